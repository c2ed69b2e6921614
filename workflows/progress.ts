import type { PassStatus, PlannedPass, RunStatus } from '../activities/contract.ts';
import type { Progress } from '../activities/stored/progress.ts';
import { computeProgress } from './compute-progress.ts';
import type { Control, Leaving } from './control.ts';
import type { PassState, RunState } from './state.ts';
import { countRows } from './state.ts';

/** The result of query `progress`. */
export interface RunProgress {
  readonly run: number | null;
  readonly policy: string | null;
  readonly state: RunStatus | 'beginning' | 'paused' | 'waiting' | 'closing';
  /** Why it is paused, or what it waits for. */
  readonly reason: string | null;
  /** ISO 8601: when the last batch was committed that the passes know of. Null before the first slice has ended. */
  readonly asOf: string | null;
  readonly passes: readonly PassProgress[];
  /** How its passes are being left; null while they go on, also while it is paused. */
  readonly leaving: Leaving | null;
}

/** How a pass stands. */
export interface PassProgress extends Progress {
  readonly name: string;
  readonly status: PassStatus;
  /** Rows deleted in all tables. */
  readonly rows: number;
  readonly batches: number;
  /** What it found and left, if it reports. */
  readonly found?: FoundRows;
  /**
   * Rows nested in others go level after level, and how many there are is known at the end only: the level that percent
   * and ETA are about. Null for other passes.
   */
  readonly level: number | null;
  /** What must come before it goes on; null if nothing does. */
  readonly waitsFor: string | null;
}

/** How a run stands that is in a phase, which an operator or a limit may hold up. */
export function readState(
  phase: RunProgress['state'],
  { paused, waitsFor }: Pick<Control, 'paused' | 'waitsFor'>,
): RunProgress['state'] {
  if (phase !== 'running') return phase;
  if (paused) return 'paused';
  return waitsFor === undefined ? 'running' : 'waiting';
}

/** How the passes stand by what their slices returned, and when; nothing before there is a plan. */
export function toProgress(
  state: RunState | undefined,
  control: Pick<Control, 'paused' | 'waitsFor'>,
): Pick<RunProgress, 'asOf' | 'passes'> {
  if (state === undefined) return { asOf: null, passes: [] };
  const { newsAt } = state;
  const asOf = newsAt === undefined ? null : new Date(newsAt).toISOString();
  return { asOf, passes: listPasses(state, control) };
}

function listPasses(state: RunState, control: Pick<Control, 'paused' | 'waitsFor'>): PassProgress[] {
  return state.plan.passes.map((planned, n) => {
    const pass = state.passes[n];
    if (pass === undefined) throw new Error(`no state of pass ${planned.name}`);
    const running = pass.status === 'running';
    const found = foundIn(pass);
    return {
      name: planned.name,
      status: pass.status,
      rows: countRows(pass),
      batches: pass.before.batches + pass.shards.reduce((sum, shard) => sum + shard.batches, 0),
      ...(found === undefined ? {} : { found }),
      ...computeProgress(
        pass.status,
        pass.shards.map(({ progress }) => progress),
      ),
      level: running && planned.repeats ? pass.round : null,
      waitsFor: heldBy(state, planned, pass, control),
    };
  });
}

function heldBy(
  { plan, passes }: RunState,
  planned: PlannedPass,
  { status }: PassState,
  control: Pick<Control, 'paused' | 'waitsFor'>,
): string | null {
  if (status === 'running') return control.paused ? 'signal resume' : (control.waitsFor ?? null);
  if (status !== 'planned') return null;
  const before = plan.passes.filter((other, n) => {
    const open = passes[n]?.status === 'planned' || passes[n]?.status === 'running';
    return open && planned.dependsOn.includes(other.name);
  });
  return before.length === 0 ? null : before.map(({ name }) => name).join(', ');
}

const HEAD = ['pass', 'state', 'rows', 'done', 'rows/s', 'ETA', 'waits for'];

/** Two spaces that do not collapse: the UI shows tables without any room between their columns. */
const ROOM = '\u00a0\u00a0';

function formatLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => `${cell}${ROOM}`).join(' | ')} |`;
}

/** The progress as Markdown, for the Temporal UI. Short, since it travels in the address of a frame. */
export function formatProgress(progress: RunProgress): string {
  const title = `**${progress.policy ?? 'vacuum'}**: ${progress.state}`;
  const reason = progress.reason === null ? '' : ` (${progress.reason})`;
  const asOf = progress.asOf === null ? '' : `, as of ${progress.asOf.slice(11, 19)} UTC`;
  const rows = progress.passes.map((pass) => formatLine(formatCells(pass)));
  const table = [formatLine(HEAD), '|---|---|--:|--:|--:|--:|---|', ...rows];
  const found = progress.passes.flatMap((pass) =>
    pass.found === undefined ? [] : ['', `${pass.name}: ${describeFoundRows(pass.found)}`],
  );
  return [`${title}${reason}${asOf}`, ...(rows.length === 0 ? [] : ['', ...table]), ...found].join('\n');
}

function formatCells(pass: PassProgress): string[] {
  const { name, status, rows, percent, rowsPerSecond, etaSeconds, level, waitsFor: waits } = pass;
  const running = status === 'running';
  const unknown = running ? 'not known yet' : '';
  const ofLevel = level === null ? '' : ` of level ${level}`;
  return [
    name,
    status,
    formatCount(rows),
    percent === null ? unknown : `${percent} %${ofLevel}`,
    rowsPerSecond === null ? '' : formatCount(rowsPerSecond),
    etaSeconds === null ? unknown : formatTime(Math.ceil(etaSeconds)),
    waits ?? '',
  ];
}

/** 1234567 as `1,234,567`. */
function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Seconds as `45 s`, `4 min 10 s` or `2 h 5 min`. */
function formatTime(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What a pass found and left. */
interface FoundRows {
  readonly rows: number;
  readonly resolved: number;
  readonly unresolved: number;
  /** When the oldest is of; ISO 8601, null if none was found. */
  readonly oldest: string | null;
}

/** What all shards of a pass found; undefined if it reports nothing. */
function foundIn({ shards }: PassState): FoundRows | undefined {
  const reports = shards.flatMap(({ reported }) => (reported === null ? [] : [reported]));
  if (reports.length === 0) return undefined;
  const sum = (of: (report: (typeof reports)[number]) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const instants = reports.flatMap(({ oldest }) => (oldest === null ? [] : [oldest]));
  return {
    rows: sum(({ found }) => found),
    resolved: sum(({ resolved }) => resolved),
    unresolved: sum(({ unresolved }) => Object.values(unresolved).reduce((total, rows) => total + rows, 0)),
    oldest: instants.toSorted()[0] ?? null,
  };
}

/** `12 found, the oldest of 2026-01-31T04:00:00.000Z, 10 resolved, 2 not`. */
function describeFoundRows({ rows, resolved, unresolved, oldest }: FoundRows): string {
  return [
    `${rows} found`,
    ...(oldest === null ? [] : [`the oldest of ${oldest}`]),
    ...(resolved + unresolved === 0 ? [] : [`${resolved} resolved, ${unresolved} not`]),
  ].join(', ');
}
