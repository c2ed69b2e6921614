import { describe, expect, test } from '@jest/globals';

import type { PlannedPass } from '../../activities/contract.ts';
import type { ShardProgress } from '../../activities/stored/progress.ts';
import type { RunProgress } from '../../workflows/progress.ts';
import { toProgress, formatProgress, readState } from '../../workflows/progress.ts';
import type { PassState, RunState, ShardState } from '../../workflows/state.ts';

const NOON = Date.UTC(2026, 0, 31, 12);
const FREE = { paused: false, waitsFor: undefined };

const planned = (options: Partial<PlannedPass> = {}): PlannedPass => ({
  name: 'old-logs',
  kind: 'expireRows',
  scan: 'by-age',
  shards: 1,
  estimate: 1000,
  dependsOn: [],
  repeats: false,
  ...options,
});
/** As before its first slice, unless configured otherwise. */
const shard = ({
  done = false,
  rows = 0,
  batches = 0,
  ...told
}: Partial<ShardProgress> & Pick<Partial<ShardState>, 'rows' | 'batches'> = {}): ShardState => ({
  done,
  batches,
  rows,
  skipped: 0,
  reported: null,
  slices: 1,
  progress: { done, part: 0, rowsPerSecond: null, secondsLeft: null, at: NOON, ...told },
});
const pass = (shards: ShardState[], told: Partial<PassState> = {}): PassState => ({
  status: 'running',
  round: 1,
  shards,
  before: { batches: 0, rows: 0, skipped: 0 },
  ...told,
});

function stateWith(passes: readonly (readonly [PlannedPass, PassState])[], newsAt?: number): RunState {
  return {
    plan: {
      run: 7,
      policy: 'shop',
      database: 'main',
      passes: passes.map(([plan]) => plan),
      startedAt: new Date(NOON).toISOString(),
      sliceSeconds: 20,
    },
    passes: passes.map(([, state]) => state),
    pass: 0,
    longestMillis: 0,
    paused: false,
    ...(newsAt === undefined ? {} : { newsAt }),
  };
}

function only(
  state: PassState,
  options: Partial<PlannedPass> = {},
): RunProgress['passes'][number] | undefined {
  return toProgress(stateWith([[planned(options), state]], NOON), FREE).passes[0];
}

function said(state: RunState | undefined, more: Partial<RunProgress> = {}): string {
  const progress = { run: 7, policy: 'shop', state: 'running', reason: null, leaving: null } as const;
  return formatProgress({ ...progress, ...toProgress(state, FREE), ...more });
}

/** The cells of a pass, without the room between them. */
const formatCells = (text: string, name: string): string[] =>
  (text.split('\n').find((line) => line.startsWith(`| ${name}`)) ?? '')
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('the progress of a pass', () => {
  test('is of no known percent, rate and end where its slices could not tell', () => {
    const told = shard({
      rows: 50,
      batches: 1,
      part: null,
      secondsLeft: null,
      rowsPerSecond: null,
    });
    expect(only(pass([told]))).toMatchObject({
      rows: 50,
      percent: null,
      rowsPerSecond: null,
      etaSeconds: null,
    });
  });

  test('is known of all shards or not at all', () => {
    const told = shard({ part: 0.5, secondsLeft: 4, rowsPerSecond: 100 });
    expect(only(pass([told, shard({ part: null })]))).toMatchObject({
      percent: null,
      rowsPerSecond: null,
      etaSeconds: null,
    });
    // One that is done has no say in what is left.
    const done = shard({ done: true, part: 1, secondsLeft: null });
    expect(only(pass([told, done]))).toMatchObject({ percent: 75, rowsPerSecond: 100, etaSeconds: 4 });
  });

  test('adds rates, and ends with the shard that ends last', () => {
    const soon = shard({ part: 0.9, secondsLeft: 1, rowsPerSecond: 100 });
    const late = shard({ part: 0.3, secondsLeft: 7, rowsPerSecond: 50 });
    expect(only(pass([soon, late]))).toMatchObject({ percent: 60, rowsPerSecond: 150, etaSeconds: 7 });
  });

  test('takes the time since the last batch of a shard from what it had left, and never below nothing', () => {
    const told = { part: 0.5, secondsLeft: 10 };
    const newest = shard({ part: 0.5, secondsLeft: 1, at: NOON });
    expect(only(pass([shard({ ...told, at: NOON - 4000 }), newest]))?.etaSeconds).toBe(6);
    const over = shard({ part: 0.5, secondsLeft: 0, at: NOON });
    expect(only(pass([shard({ ...told, at: NOON - 40_000 }), over]))?.etaSeconds).toBe(0);
  });

  test('is a percent of the work, whether a time is known or not', () => {
    expect(only(pass([shard({ part: 0.5, secondsLeft: 10 })]))?.percent).toBe(50);
    expect(only(pass([shard({ part: 0.5, secondsLeft: null })]))?.percent).toBe(50);
  });

  test('is a hundred percent with no rate and no end once it is completed', () => {
    const done = shard({ done: true, rows: 10, part: null });
    expect(only(pass([done], { status: 'completed' }))).toMatchObject({
      percent: 100,
      rowsPerSecond: null,
      etaSeconds: null,
    });
  });

  test('tells of nothing before there is a plan', () => {
    expect(toProgress(undefined, FREE)).toEqual({ asOf: null, passes: [] });
  });

  test('says what a pass waits for: a person, a limit, the passes before', () => {
    const state = stateWith([
      [planned(), pass([shard()])],
      [planned({ name: 'other' }), pass([], { status: 'completed' })],
      [planned({ name: 'lost', dependsOn: ['old-logs', 'other'] }), pass([], { status: 'planned' })],
    ]);
    const waiting = (control: Parameters<typeof toProgress>[1]): unknown =>
      toProgress(state, control).passes.map(({ waitsFor }) => waitsFor);
    expect(waiting(FREE)).toEqual([null, null, 'old-logs']);
    expect(waiting({ paused: false, waitsFor: 'the window' })).toEqual(['the window', null, 'old-logs']);
    expect(waiting({ paused: true, waitsFor: 'the window' })).toEqual(['signal resume', null, 'old-logs']);
    expect(readState('running', { paused: false, waitsFor: 'the window' })).toBe('waiting');
    expect(readState('running', { paused: true, waitsFor: 'the window' })).toBe('paused');
    expect(readState('closing', { paused: true, waitsFor: 'the window' })).toBe('closing');
  });
});

describe('what the Temporal UI shows', () => {
  test('says so where nothing is known yet, of a pass that runs and of no other', () => {
    const text = said(
      stateWith([
        [planned(), pass([shard({ rows: 1234, part: null })])],
        [planned({ name: 'next' }), pass([], { status: 'planned' })],
        [planned({ name: 'left' }), pass([shard({ part: null })], { status: 'unfinished' })],
      ]),
    );
    expect(formatCells(text, 'old-logs')).toEqual([
      'old-logs',
      'running',
      '1,234',
      'not known yet',
      '',
      'not known yet',
      '',
    ]);
    expect(formatCells(text, 'next')).toEqual(['next', 'planned', '0', '', '', '', '']);
    expect(formatCells(text, 'left')).toEqual(['left', 'unfinished', '0', '', '', '', '']);
  });

  test('has percent and end together, and neither alone', () => {
    const known = shard({ rows: 5, part: 0.1, secondsLeft: 9, rowsPerSecond: 1234.4 });
    const text = said(stateWith([[planned(), pass([known])]], NOON));
    expect(formatCells(text, 'old-logs').slice(2)).toEqual(['5', '10 %', '1,234', '9 s', '']);
  });

  test.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59.4, '1 min 0 s'],
    [250, '4 min 10 s'],
    [3600, '1 h 0 min'],
    [7503, '2 h 5 min'],
  ])('says %d seconds as %s', (secondsLeft, text) => {
    const known = shard({ part: 0.1, secondsLeft });
    expect(formatCells(said(stateWith([[planned(), pass([known])]], NOON)), 'old-logs')[5]).toBe(text);
  });

  test('is about a level where rows are nested in others', () => {
    const known = shard({ part: 0.5, secondsLeft: 1 });
    const state = stateWith([[planned({ repeats: true }), pass([known], { round: 2 })]], NOON);
    expect(formatCells(said(state), 'old-logs')[3]).toBe('50 % of level 2');
  });

  test('begins with the policy, its state, why, and of when that is', () => {
    const state = stateWith([[planned(), pass([shard()])]], NOON);
    expect(said(state, { state: 'paused', reason: 'the backup runs' }).split('\n')[0]).toBe(
      '**shop**: paused (the backup runs), as of 12:00:00 UTC',
    );
    expect(said(undefined, { policy: null, state: 'beginning' })).toBe('**vacuum**: beginning');
  });
});
