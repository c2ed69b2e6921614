import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';

import type { RunReport } from '../../activities/contract.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { compilePages } from '../support/docs/compile.ts';
import { World } from '../support/docs/world.ts';
import { describeNeeding } from '../support/needing.ts';
import { OwnTemporal } from '../support/own-temporal.ts';
import { waitFor } from '../support/wait.ts';

interface RunResult {
  readonly startedAt: string;
  readonly rows: number;
  readonly deleted: Record<string, number>;
  readonly files: number;
  readonly spaceReclaimed: number;
  readonly status: string;
  readonly reasons: readonly string[];
  readonly passes: readonly {
    readonly name: string;
    readonly status: string;
    readonly rows: number;
    readonly files: number;
    readonly bytes: number;
    readonly reported: { readonly found: number; readonly bytes?: number } | null;
    readonly error: string | null;
  }[];
}

// 60 days of half hours: those of the last 30 days stay. Of the pairs that share an original all go or stay together.
const OLD = 30 * 48;
const STRAYS = 20;
const DELETED = { detection: OLD, event: 30 * 72, gpu_statistic: 30 * 288, log_entry: 53 * 144 };
const ROWS = Object.values(DELETED).reduce((sum, rows) => sum + rows, 0);

/** Of each kind of row: when it was, and which variable of the environment says how long it is kept. */
const KINDS = [
  { table: 'detection', at: 'detected_at', days: 'RETENTION_DAYS' },
  { table: 'event', at: 'at', days: 'RETENTION_DAYS' },
  { table: 'gpu_statistic', at: 'at', days: 'RETENTION_DAYS' },
  { table: 'log_entry', at: 'at', days: 'LOG_RETENTION_DAYS' },
] as const;

/** Makes each delete of an event last, so that its pass is long enough to be seen in its middle. */
const SLOW_EVENTS = `
  create function take_time() returns trigger language plpgsql as $$
  begin
    perform pg_sleep(0.005);
    return old;
  end $$;
  create trigger slow before delete on event for each row execute function take_time()`;

/** Without a change of the schema, which would end the run. */
const FAST_EVENTS = `
  create or replace function take_time() returns trigger language plpgsql as $$
  begin
    return old;
  end $$`;

describeNeeding(['temporal'], 'the camera archive', () => {
  const temporal = OwnTemporal.forAll();
  let cameras: World;

  beforeEach(async () => {
    cameras = await World.open('cameras', temporal.address);
    const { code, output } = await cameras.type('temporal-vacuum ledger migrate');
    expect({ code, output }).toMatchObject({ code: 0 });
  });
  afterEach(async () => cameras.close());

  const json = async <T>(command: string): Promise<T> => {
    const { code, output } = await cameras.type(`${command} > answer.json`);
    expect({ code, output }).toEqual({ code: 0, output: '' });
    return JSON.parse(readFileSync(join(cameras.folder, 'answer.json'), 'utf8')) as T;
  };
  const list = (folder: string): string[] => {
    const root = join(cameras.folder, 'media', folder);
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .toSorted();
  };
  const files = (folder: string): number => list(folder).length;
  const did = ({ passes }: Pick<RunResult, 'passes'> | RunReport): object[] =>
    passes.map(({ name, rows, files: ofPass, bytes }) => ({ name, rows, files: ofPass, bytes }));
  const ids = async (sql: string, values: readonly unknown[] = []): Promise<number[]> =>
    (await cameras.database.rows<{ id: number }>(`${sql} order by id`, values)).map(({ id }) => id);

  test('is killed and resumed: what was previewed went, and history has it', async () => {
    await cameras.type('export DELETE_IMAGES=true');
    const preview = await json<RunResult>('temporal-vacuum preview cameras --json');
    await cameras.database.rows(SLOW_EVENTS);
    const victim = await cameras.start('temporal-vacuum worker');
    const run = await temporal.client.workflow.start('vacuum', {
      taskQueue: 'vacuum',
      workflowId: 'nightly',
      args: [],
    });
    const percents = async (): Promise<Record<string, number | null>> => {
      const { passes } = await run.query(progressQuery);
      return Object.fromEntries(passes.map(({ name, percent }) => [name, percent]));
    };
    const held = await waitFor('the pass over events to be in its middle', async () => {
      const now = await percents();
      return (now['events'] ?? 0) > 0 ? now : undefined;
    });
    const ended = once(victim, 'exit');
    process.kill(-(victim.pid ?? 0), 'SIGKILL');
    await ended;
    expect(held).toEqual({
      detections: 100,
      events: expect.any(Number),
      'gpu-statistics': null,
      logs: null,
      thumbnails: null,
      originals: null,
      'stray-thumbnails': null,
      'stray-originals': null,
    });
    expect(held['events']).toBeGreaterThan(0);
    expect(held['events']).toBeLessThan(100);
    // Killed in the middle of its pass: some events are gone, and some are not.
    const eventsLeft = await cameras.database.value('select count(*) from event');
    expect(eventsLeft).toBeGreaterThan(30 * 72);
    expect(eventsLeft).toBeLessThan(60 * 72);
    await cameras.database.rows(FAST_EVENTS);
    await cameras.start('temporal-vacuum worker');
    const result = (await run.result()) as RunReport;

    const [told] = await json<[RunResult]>('temporal-vacuum history --limit 1 --json');
    expect(did(told)).toEqual(did(preview));
    expect(told.deleted).toEqual(preview.deleted);
    expect(told.deleted).toEqual(DELETED);
    const originals = OLD / 2;
    expect(told).toMatchObject({ status: 'completed', files: OLD + originals });
    expect(told.spaceReclaimed).toBe(OLD * 200 + originals * 1000);
    expect(result).toMatchObject({ status: 'completed', rows: ROWS, reasons: [] });
    expect(result).toMatchObject({ files: told.files, spaceReclaimed: told.spaceReclaimed });
    expect(did(result)).toEqual([
      { name: 'detections', rows: OLD, files: 0, bytes: 0 },
      { name: 'events', rows: 30 * 72, files: 0, bytes: 0 },
      { name: 'gpu-statistics', rows: 30 * 288, files: 0, bytes: 0 },
      { name: 'logs', rows: 53 * 144, files: 0, bytes: 0 },
      { name: 'thumbnails', rows: 0, files: OLD, bytes: OLD * 200 },
      { name: 'originals', rows: 0, files: originals, bytes: originals * 1000 },
      { name: 'stray-thumbnails', rows: 0, files: 0, bytes: 0 },
      { name: 'stray-originals', rows: 0, files: 0, bytes: 0 },
    ]);
    expect(did(told)).toEqual(did(result));
    expect(await percents()).toEqual(Object.fromEntries(told.passes.map(({ name }) => [name, 100])));
    // Strays are counted and stay.
    expect(told.passes[6]).toMatchObject({ files: 0, reported: { found: STRAYS, bytes: STRAYS * 50 } });
    expect(preview.passes[6]?.reported).toEqual(told.passes[6]?.reported);
    expect(files('thumbnails')).toBe(OLD + STRAYS + 1);
    expect(files('originals')).toBe(originals);

    // A second run finds nothing but the strays, and removes them once it is told to.
    await cameras.type('export REMOVE_STRAYS=true');
    const again = await json<RunResult>('temporal-vacuum run cameras --execute --temporal dev --json');
    expect(again).toMatchObject({ status: 'completed', rows: 0, files: STRAYS, spaceReclaimed: STRAYS * 50 });
    expect(files('thumbnails')).toBe(OLD + 1);
  });

  test('a run whose disk is away fails with its reason, the rest is done; the next run takes the files', async () => {
    const thumbnails = join(cameras.folder, 'media/thumbnails');
    renameSync(thumbnails, `${thumbnails}-away`);
    await cameras.start('temporal-vacuum worker');
    const begin = { taskQueue: 'vacuum', args: [] };
    const failed = temporal.client.workflow.execute('vacuum', { ...begin, workflowId: 'away' });
    await expect(failed).rejects.toBeInstanceOf(WorkflowFailedError);
    // Rows of the passes before are gone, and the ledger knows which files have yet to go.
    const left = KINDS.map(
      async ({ table }) => [table, await cameras.database.value(`select count(*) from ${table}`)] as const,
    );
    expect(Object.fromEntries(await Promise.all(left))).toEqual({
      detection: OLD,
      event: 30 * 72,
      gpu_statistic: 30 * 288,
      log_entry: 7 * 144,
    });
    expect(await cameras.database.value('select count(*) from vacuum.file')).toBe(OLD);
    renameSync(`${thumbnails}-away`, thumbnails);
    await temporal.client.workflow.execute('vacuum', { ...begin, workflowId: 'back' });

    const [back, away] = await json<[RunResult, RunResult]>('temporal-vacuum history --limit 2 --json');
    expect(away).toMatchObject({ status: 'failed', rows: ROWS, files: 0, spaceReclaimed: 0 });
    expect(away.deleted).toEqual(DELETED);
    expect(did(away).slice(0, 5)).toEqual([
      { name: 'detections', rows: OLD, files: 0, bytes: 0 },
      { name: 'events', rows: 30 * 72, files: 0, bytes: 0 },
      { name: 'gpu-statistics', rows: 30 * 288, files: 0, bytes: 0 },
      { name: 'logs', rows: 53 * 144, files: 0, bytes: 0 },
      { name: 'thumbnails', rows: 0, files: 0, bytes: 0 },
    ]);
    expect(away.passes[4]?.error).toMatch(/root "thumbnails".*cannot be opened \(ENOENT\)/s);
    expect(away.reasons[0]).toMatch(/pass thumbnails: root "thumbnails".*cannot be opened \(ENOENT\)/s);
    expect(away.passes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => 'completed'),
      'failed',
      'failed',
    ]);
    expect(back).toMatchObject({ status: 'completed', rows: 0, files: OLD, spaceReclaimed: OLD * 200 });
    expect(files('thumbnails')).toBe(OLD + STRAYS + 1);
    // Originals are kept unless they are to be deleted, and are no strays.
    expect(back.passes.map(({ name }) => name)).not.toContain('stray-originals');
    expect(files('originals')).toBe(OLD);

    // From then on those whose rows went before are strays, to be looked at first.
    await cameras.type('export DELETE_IMAGES=true');
    const later = await json<RunResult>('temporal-vacuum run cameras --execute --temporal dev --json');
    expect(later).toMatchObject({ status: 'completed', files: 0 });
    expect(later.passes.at(-1)).toMatchObject({
      name: 'stray-originals',
      reported: { found: OLD / 2, bytes: (OLD / 2) * 1000 },
    });
    expect(files('originals')).toBe(OLD);
  });

  test('says at once everything that is wrong with its environment', async () => {
    const { code, output } = await cameras.type(
      'RETENTION_DAYS=0 LOG_RETENTION_DAYS=seven CLEANUP_TIME=25:00 DELETE_IMAGES=yes MEDIA_DIR= temporal-vacuum preview cameras',
    );
    expect(code).toBe(2);
    for (const name of [
      'RETENTION_DAYS',
      'LOG_RETENTION_DAYS',
      'CLEANUP_TIME',
      'DELETE_IMAGES',
      'MEDIA_DIR',
    ]) {
      expect(output).toContain(name);
    }
  });

  test('runs by its schedule, at three unless told otherwise, and keeps what the environment says', async () => {
    await compilePages([cameras.folder]);
    const apply = 'temporal-vacuum schedule apply cameras --json';
    expect(await json(`CLEANUP_TIME=04:30 ${apply}`)).toMatchObject({ when: 'at 30 4 * * * in UTC' });
    expect(await json(apply)).toMatchObject({ when: 'at 0 3 * * * in UTC' });

    const days = { RETENTION_DAYS: 10, LOG_RETENTION_DAYS: 3 };
    await cameras.type('export RETENTION_DAYS=10 LOG_RETENTION_DAYS=3');
    // A second too old, and with ten minutes left.
    const extra = `make_interval(hours => $1 * 24) + unnest(array[interval '-1 second', interval '10 minutes'])`;
    const insert: Record<(typeof KINDS)[number]['table'], string> = {
      detection: `insert into detection (camera_id, label, confidence, detected_at) select 1, 'person', 1,`,
      event: `insert into event (camera_id, kind, at) select 1, 'motion',`,
      gpu_statistic: 'insert into gpu_statistic (utilization, memory_bytes, at) select 1, 1,',
      log_entry: `insert into log_entry (level, message, at) select 'info', 'frame read',`,
    };
    await cameras.database.rows('create schema copy');
    for (const { table, days: kept } of KINDS) {
      await cameras.database.rows(`${insert[table]} now() - ${extra}`, [days[kept]]);
      await cameras.database.rows(`create table copy.${table} as table ${table}`);
    }
    await cameras.start('temporal-vacuum worker');

    // Three days of sixty are left of the logs, which the guard wants looked at.
    const stopped = await triggered();
    expect(stopped).toMatchObject({ status: 'stopped-by-guard', rows: 0 });
    expect(stopped.reasons.join()).toMatch(/maxPercent 90: .* of entity LogEntry would be deleted/);
    const preview = await json<RunResult>('temporal-vacuum preview cameras --json');
    const run = await triggered();
    expect(run).toMatchObject({ status: 'completed', deleted: preview.deleted });
    for (const { table, at, days: kept } of KINDS) {
      const expected = await ids(
        `select id from copy.${table} where ${at} >= $1::timestamptz - make_interval(hours => $2 * 24)`,
        [run.startedAt, days[kept]],
      );
      expect({ table, ids: await ids(`select id from ${table}`) }).toEqual({ table, ids: expected });
      const before = await cameras.database.value(`select count(*) from copy.${table}`);
      expect(run.deleted[table]).toBe(before - expected.length);
    }
    const paths = await cameras.database.rows<{ path: string }>(
      'select thumbnail_path as path from detection where thumbnail_path is not null',
    );
    const strays = Array.from({ length: STRAYS }, (_, n) => `lost/${n}.jpg`);
    expect(list('thumbnails')).toEqual([...paths.map(({ path }) => path), ...strays, 'now/1.jpg'].toSorted());
  });

  /** Has the schedule start a run now, and returns what history has of it when it is over. */
  async function triggered(): Promise<RunResult> {
    const last = await cameras.database.value('select coalesce(max(id), 0) from vacuum.run');
    expect(await json('temporal-vacuum schedule trigger cameras --json')).toMatchObject({ started: true });
    await waitFor('the run of the schedule to be over', async () =>
      cameras.database.value(
        'select exists (select from vacuum.run where id > $1 and ended_at is not null)',
        [last],
      ),
    );
    const [told] = await json<[RunResult]>('temporal-vacuum history --limit 1 --json');
    return told;
  }
});
