import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';

import type { RunReport } from '../../activities/contract.ts';
import type { DevServer } from '../../worker/dev-server.ts';
import { startDevServer } from '../../worker/dev-server.ts';
import { World } from '../support/docs/world.ts';
import { describeNeeding } from '../support/needing.ts';
import { waitFor } from '../support/wait.ts';

interface Told {
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
  }[];
}

// 60 days of half hours: those of the last 30 days stay. Of the pairs that share an original all go or stay together.
const OLD = 30 * 48;
const STRAYS = 20;

describeNeeding(['temporal'], 'the camera archive', () => {
  let temporal: DevServer;
  let client: Client;
  let cameras: World;

  beforeAll(async () => {
    temporal = await startDevServer();
    client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
  });
  beforeEach(async () => {
    cameras = await World.open('cameras', temporal.address);
    const { code, output } = await cameras.type('temporal-vacuum ledger migrate');
    expect({ code, output }).toMatchObject({ code: 0 });
  });
  afterEach(async () => cameras.close());
  afterAll(async () => {
    await client.connection.close();
    await temporal.stop();
  });

  const json = async <T>(command: string): Promise<T> => {
    const { code, output } = await cameras.type(`${command} > answer.json`);
    expect({ code, output }).toEqual({ code: 0, output: '' });
    return JSON.parse(readFileSync(join(cameras.folder, 'answer.json'), 'utf8')) as T;
  };
  const files = (folder: string): number =>
    readdirSync(join(cameras.folder, 'media', folder), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    ).length;
  const did = ({ passes }: Told): object[] =>
    passes.map(({ name, rows, files: ofPass, bytes }) => ({ name, rows, files: ofPass, bytes }));

  test('is killed and resumed: what was previewed went, and history has it', async () => {
    await cameras.type('export DELETE_IMAGES=true');
    const preview = await json<Told>('temporal-vacuum preview cameras --json');
    const victim = await cameras.start('temporal-vacuum worker');
    const holder = await cameras.database.pool.connect();
    // Events can be read, as for the plan, and not deleted.
    await holder.query('begin; lock table event in share mode');
    const run = await client.workflow.start('vacuum', {
      taskQueue: 'vacuum',
      workflowId: 'nightly',
      args: [],
    });
    await waitFor('detections to go, and the pass over events to wait', async () =>
      cameras.database.value(
        `select (select sum(rows) from vacuum.batch) = $1 and exists (
           select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`,
        [OLD],
      ),
    );
    const ended = once(victim, 'exit');
    process.kill(-(victim.pid ?? 0), 'SIGKILL');
    await ended;
    await holder.query('rollback');
    holder.release();
    await cameras.start('temporal-vacuum worker');
    const result = (await run.result()) as RunReport;

    const [told] = await json<[Told]>('temporal-vacuum history --limit 1 --json');
    expect(did(told)).toEqual(did(preview));
    expect(told.deleted).toEqual(preview.deleted);
    expect(told.deleted).toEqual({
      detection: OLD,
      event: 30 * 72,
      gpu_statistic: 30 * 288,
      log_entry: 53 * 144,
    });
    expect(told.passes.map(({ name }) => name)).toEqual([
      'detections',
      'events',
      'gpu-statistics',
      'logs',
      'thumbnails',
      'originals',
      'stray-thumbnails',
      'stray-originals',
    ]);
    const originals = OLD / 2;
    expect(told).toMatchObject({ status: 'completed', files: OLD + originals });
    expect(told.spaceReclaimed).toBe(OLD * 200 + originals * 1000);
    expect(result).toMatchObject({ files: told.files, spaceReclaimed: told.spaceReclaimed });
    // Strays are counted and stay.
    expect(told.passes[6]).toMatchObject({ files: 0, reported: { found: STRAYS, bytes: STRAYS * 50 } });
    expect(preview.passes[6]?.reported).toEqual(told.passes[6]?.reported);
    expect(files('thumbnails')).toBe(OLD + STRAYS + 1);
    expect(files('originals')).toBe(originals);

    // A second run finds nothing but the strays, and removes them once it is told to.
    await cameras.type('export REMOVE_STRAYS=true');
    const again = await json<Told>('temporal-vacuum run cameras --execute --temporal dev --json');
    expect(again).toMatchObject({ status: 'completed', rows: 0, files: STRAYS, spaceReclaimed: STRAYS * 50 });
    expect(files('thumbnails')).toBe(OLD + 1);
  });

  test('a run whose disk is away fails with its reason, the rest is done; the next run takes the files', async () => {
    await json('temporal-vacuum preview cameras --json');
    const thumbnails = join(cameras.folder, 'media/thumbnails');
    renameSync(thumbnails, `${thumbnails}-away`);
    await cameras.start('temporal-vacuum worker');
    const begin = { taskQueue: 'vacuum', args: [] };
    const failed = client.workflow.execute('vacuum', { ...begin, workflowId: 'away' });
    await expect(failed).rejects.toBeInstanceOf(WorkflowFailedError);
    renameSync(`${thumbnails}-away`, thumbnails);
    await client.workflow.execute('vacuum', { ...begin, workflowId: 'back' });

    const [back, away] = await json<[Told, Told]>('temporal-vacuum history --limit 2 --json');
    expect(away).toMatchObject({
      status: 'failed',
      files: 0,
      deleted: { detection: OLD, log_entry: 53 * 144 },
    });
    expect(away.reasons[0]).toMatch(/pass thumbnails: root "thumbnails".*cannot be opened \(ENOENT\)/s);
    expect(away.passes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => 'completed'),
      'failed',
      'failed',
    ]);
    expect(back).toMatchObject({ status: 'completed', rows: 0, files: OLD, spaceReclaimed: OLD * 200 });
    // Originals are kept unless they are to be deleted, and are no strays.
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

  test('compiles, and runs daily at the time of cleanup', async () => {
    expect(await cameras.compile()).toEqual({ code: 0, output: '' });
    await cameras.type('export CLEANUP_TIME=04:30');
    expect(await json('temporal-vacuum schedule apply cameras --json')).toMatchObject({
      when: 'at 30 4 * * * in UTC',
    });
  });
});
