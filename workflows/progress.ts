import type { PassStatus, RunStatus } from '../activities/contract.ts';
import type { Control, Leaving } from './control.ts';
import type { FoundRows } from './found.ts';
import { foundIn, sayFound } from './found.ts';
import type { PassState, RunState } from './state.ts';
import { rowsOf } from './state.ts';

/** The answer to query `progress`. */
export interface RunProgress {
  readonly run: number | null;
  readonly policy: string | null;
  readonly state: RunStatus | 'beginning' | 'paused' | 'waiting' | 'closing';
  /** Why it is paused, or what it waits for. */
  readonly reason: string | null;
  readonly passes: readonly PassProgress[];
  /** How its passes are being left; null while they go on, also while it is paused. */
  readonly leaving: Leaving | null;
}

/** How a pass stands. */
export interface PassProgress {
  readonly name: string;
  readonly status: PassStatus;
  /** Rows deleted in all tables. */
  readonly rows: number;
  readonly batches: number;
  /** What it found and left, where it reports. */
  readonly found?: FoundRows;
  /** 0 to 100; null where nothing is known. */
  readonly percent: number | null;
  /** While it runs; null else. */
  readonly rowsPerSecond: number | null;
  /** Seconds until the pass is done, if it goes on as it did; null where nothing is known. */
  readonly etaSeconds: number | null;
}

/** How a run stands that is in a phase, which an operator or a limit may hold up. */
export function stateOf(
  phase: RunProgress['state'],
  { paused, waitsFor }: Pick<Control, 'paused' | 'waitsFor'>,
): RunProgress['state'] {
  if (phase !== 'running') return phase;
  if (paused) return 'paused';
  return waitsFor === undefined ? 'running' : 'waiting';
}

/** How the passes stand at an instant, in milliseconds since the epoch. */
export function progressOf(state: RunState, now: number): PassProgress[] {
  return state.plan.passes.map((planned, n) => {
    const pass = state.passes[n];
    if (pass === undefined) throw new Error(`no state of pass ${planned.name}`);
    const rows = rowsOf(pass);
    const walked = walkedPart(pass);
    const seconds = pass.startedAt === undefined ? 0 : ((pass.endedAt ?? now) - pass.startedAt) / 1000;
    const running = pass.status === 'running';
    const found = foundIn(pass);
    return {
      name: planned.name,
      status: pass.status,
      rows,
      batches: pass.before.batches + pass.shards.reduce((sum, shard) => sum + shard.batches, 0),
      ...(found === undefined ? {} : { found }),
      percent: pass.status === 'completed' ? 100 : walked === null ? null : Math.floor(walked * 100),
      rowsPerSecond: running && seconds > 0 ? Math.round(rows / seconds) : null,
      etaSeconds:
        running && walked !== null && walked > 0 ? Math.ceil((seconds * (1 - walked)) / walked) : null,
    };
  });
}

/** The part of the current round that is walked, over all shards; null where one cannot tell. */
function walkedPart({ shards }: PassState): number | null {
  if (shards.length === 0) return null;
  const parts = shards.map((shard) => shard.walked);
  return parts.every((part) => part !== null)
    ? parts.reduce((sum, part) => sum + part, 0) / parts.length
    : null;
}

/** The progress as Markdown, for the Temporal UI. Short, since it travels in the address of a frame. */
export function sayProgress(progress: RunProgress): string {
  const title = `**${progress.policy ?? 'vacuum'}**: ${progress.state}`;
  const reason = progress.reason === null ? '' : ` (${progress.reason})`;
  const rows = progress.passes.map((pass) => {
    const cells = [
      pass.name,
      pass.status,
      String(pass.rows),
      pass.percent === null ? '' : `${pass.percent} %`,
      pass.rowsPerSecond === null ? '' : `${pass.rowsPerSecond}/s`,
      pass.etaSeconds === null ? '' : `${pass.etaSeconds} s`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const table = ['| pass | state | rows | done | rate | ETA |', '|---|---|--:|--:|--:|--:|', ...rows];
  const found = progress.passes.flatMap((pass) =>
    pass.found === undefined ? [] : ['', `${pass.name}: ${sayFound(pass.found)}`],
  );
  return [`${title}${reason}`, ...(rows.length === 0 ? [] : ['', ...table]), ...found].join('\n');
}
