import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { runEngine } from '../support/engine.ts';
import { describeNeeding } from '../support/needing.ts';
import { Pictures, picturesPolicy, withFiles } from '../support/pictures.ts';
import { CommitProxy } from '../support/postgres/commit-proxy.ts';
import { TemporalSession } from '../support/temporal.ts';
import { reportOf } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';
import type { WorkerProcess } from '../support/worker-process.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const CONFIG = new URL('../support/pictures.config.ts', import.meta.url).pathname;
const FOLDERS = 50;

/** Every tenth file is recorded by a row that stays, too; every hundredth is not there; number n has n % 97 bytes. */
const isShared = (n: number): boolean => n % 10 === 0;
const isMissing = (n: number): boolean => n % 100 === 7;
const bytesOf = (n: number): number => n % 97;
const keyOf = (n: number): string => `${n % FOLDERS}/${n}.jpg`;

describeNeeding(['temporal'], 'a worker that dies while it removes files', () => {
  const session = new TemporalSession();
  const workers: WorkerProcess[] = [];
  let pictures: Pictures;
  let taskQueue = '';

  beforeEach(async () => {
    pictures = await Pictures.create();
    process.env['TEST_PICTURES'] = pictures.folder;
    taskQueue = session.queue();
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(async (worker) => worker.end('SIGKILL')));
    await pictures.drop();
  });
  afterAll(async () => session.close());

  async function fill(count: number): Promise<void> {
    for (let folder = 0; folder < FOLDERS; folder += 1) mkdirSync(join(pictures.folder, String(folder)));
    const content = Buffer.alloc(100);
    for (let n = 0; n < count; n += 1) {
      if (!isMissing(n)) writeFileSync(join(pictures.folder, keyOf(n)), content.subarray(0, bytesOf(n)));
    }
    await pictures.database.rows(
      `insert into picture
       select n, now() - interval '2 days', n % ${FOLDERS} || '/' || n || '.jpg', null::integer
       from generate_series(0, $1::int - 1) as n
       union all
       select $1 + n, now(), n % ${FOLDERS} || '/' || n || '.jpg', null::integer
       from generate_series(0, $1 - 1, 10) as n`,
      [count],
    );
    await pictures.database.rows('analyze');
  }

  const startWorker = async (url = pictures.database.url): Promise<WorkerProcess> => {
    const worker = await startWorkerProcess({ url, taskQueue, config: CONFIG });
    workers.push(worker);
    return worker;
  };
  /** Waits until the ledger counts so many files. */
  const untilFiles = async (count: number): Promise<void> => {
    await waitFor(`${count} files to be removed`, async () => {
      try {
        return (await pictures.database.value('select coalesce(sum(files), 0) from vacuum.batch')) >= count;
      } catch {
        return false;
      }
    });
  };
  const left = (): Set<string> =>
    new Set(
      readdirSync(pictures.folder).flatMap((folder) =>
        readdirSync(join(pictures.folder, folder)).map((name) => `${folder}/${name}`),
      ),
    );

  async function expectWhole(count: number, workflowId: string): Promise<void> {
    const all = Array.from({ length: count }, (_, n) => n);
    const files = left();
    const stay = all.filter(isShared);
    const gone = all.filter((n) => !isShared(n) && !isMissing(n));
    expect(stay.filter((n) => !files.has(keyOf(n)))).toEqual([]);
    expect(files.size).toBe(stay.length);
    const report = await reportOf(pictures.database, workflowId);
    expect(report).toMatchObject({
      status: 'completed',
      files: gone.length,
      spaceReclaimed: gone.reduce((sum, n) => sum + bytesOf(n), 0),
    });
    expect(await pictures.waiting()).toBe(0);
  }

  test('by SIGKILL at any moment, 100,000 files: each counted once, none of a living row lost', async () => {
    const count = 100_000;
    await fill(count);
    const handle = await session.start(taskQueue);
    for (const files of [1, 30_000]) {
      const victim = await startWorker();
      await untilFiles(files);
      await victim.end('SIGKILL');
    }
    await startWorker();
    await handle.result();
    await expectWhole(count, handle.workflowId);
  });

  test.each(['before commit', 'after commit'] as const)(
    'by SIGKILL %s: files that are gone and not yet counted are counted by the next attempt',
    async (at) => {
      const count = 3_000;
      await fill(count);
      const policy = picturesPolicy(...withFiles(pictures.root));
      await runEngine(pictures.database.url, policy, { passes: ['old'] });
      // The first batch measures files; the second, which is held, has removed them.
      const proxy = await CommitProxy.start(pictures.database.url, at, 1);
      const victim = await startWorker(proxy.url);
      const handle = await session.start(taskQueue, { passes: ['files'] });
      await proxy.held;
      expect(left().size).toBeLessThan(0.99 * count - 500);
      await victim.end('SIGKILL');
      await proxy.close();
      await startWorker();
      await handle.result();
      await expectWhole(count, handle.workflowId);
    },
  );

  test('a run that is terminated leaves its files to the next one', async () => {
    const count = 5_000;
    await fill(count);
    const { workflowId } = await session.start(taskQueue);
    const victim = await startWorker();
    await untilFiles(1);
    await victim.end('SIGKILL');
    const client = await session.client();
    await client.workflow.getHandle(workflowId).terminate();
    await startWorker();
    const next = await session.start(taskQueue);
    await next.result();
    const report = await reportOf(pictures.database, next.workflowId);
    const before = await reportOf(pictures.database, workflowId);
    expect(before.status).toBe('terminated');
    expect(before.files + report.files).toBe(
      Array.from({ length: count }, (_, n) => n).filter((n) => !isShared(n) && !isMissing(n)).length,
    );
    expect(left().size).toBe(count / 10);
    expect(await pictures.waiting()).toBe(0);
  });
});
