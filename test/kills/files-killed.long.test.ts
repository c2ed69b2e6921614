import { afterAll, expect, test } from '@jest/globals';

import { runEngine } from '../support/engine.ts';
import { KilledPictures } from '../support/killed-pictures.ts';
import { describeNeeding } from '../support/needing.ts';
import { picturesPolicy, withFiles } from '../support/pictures.ts';
import { SEED } from '../support/random.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';

const CONFIG = 'pictures.config.ts';
/** Each death takes the ten seconds in which Temporal misses a worker. */
const WITHIN_MILLIS = 240_000;

// Beside each other: most of their time they wait until Temporal misses a worker.
describeNeeding(['temporal'], 'a worker that dies while it removes rows and their files', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  // Rows and files are counted together: below 1 rows go, above it files. A long test has 100,000 files.
  test.concurrent(
    `by SIGKILL at any moment, 20,000 files, TEST_SEED=${SEED}: each counted once, none of a living row lost`,
    async () =>
      KilledPictures.killAtRandom(session, 20_000, [
        [0, 0.9],
        [0.9, 1.1],
        [1.1, 1.8],
      ]),
    WITHIN_MILLIS,
  );

  test.concurrent(
    'by SIGKILL while rows go: the paths of those that are gone wait, and of no other',
    async () =>
      KilledPictures.with(session, 5000, CONFIG, async (killed) => {
        const { pictures, count } = killed;
        const handle = await killed.start();
        const before = pictures.files();
        // One shard is held with its rows deleted and not committed, the other one goes on.
        await killed.killAtCommit('before commit', 4, async () => (await pictures.waiting()) > count / 4);
        const waiting = await pictures.waiting();
        expect(waiting).toBeLessThan(count);
        const old = 'select count(*)::int from picture where id < $1';
        expect(waiting + (await pictures.database.value(old, [count]))).toBe(count);
        expect(pictures.files()).toEqual(before);
        await killed.startWorker();
        await handle.result();
        await killed.expectWhole(handle.workflowId);
      }),
    WITHIN_MILLIS,
  );

  for (const at of ['before commit', 'after commit'] as const) {
    test.concurrent(
      `by SIGKILL ${at} of a batch of files: those that are gone and not yet counted are counted by the next attempt`,
      async () =>
        KilledPictures.with(session, 3000, CONFIG, async (killed) => {
          const { pictures, count } = killed;
          const policy = picturesPolicy(...withFiles(pictures.root));
          await runEngine(pictures.database.url, policy, { passes: ['old'] });
          const handle = await killed.start({ passes: ['files'] });
          // The first batch measures files; the second, which is held, has removed them.
          await killed.killAtCommit(at, 1, async () => true);
          expect(pictures.files().length).toBeLessThan(0.99 * count - 500);
          await killed.startWorker();
          await handle.result();
          await killed.expectRightFiles();
          const { files, spaceReclaimed } = await fetchReport(pictures.database, handle.workflowId);
          expect({ files, spaceReclaimed }).toEqual(killed.expected);
        }),
      WITHIN_MILLIS,
    );
  }

  test.concurrent(
    'a run that is terminated leaves its files to the next one',
    async () =>
      KilledPictures.with(session, 5000, CONFIG, async (killed) => {
        const { pictures, count } = killed;
        const { workflowId } = await killed.start();
        await killed.killAt(count + 1, 0);
        const client = await session.client();
        await client.workflow.getHandle(workflowId).terminate();
        await killed.startWorker();
        const next = await killed.start();
        await next.result();
        const report = await fetchReport(pictures.database, next.workflowId);
        const before = await fetchReport(pictures.database, workflowId);
        expect(before.status).toBe('terminated');
        expect({
          files: before.files + report.files,
          spaceReclaimed: before.spaceReclaimed + report.spaceReclaimed,
        }).toEqual(killed.expected);
        await killed.expectRightFiles();
      }),
    WITHIN_MILLIS,
  );
});
