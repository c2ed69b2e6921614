import { afterAll, expect, test } from '@jest/globals';

import { KilledPictures } from '../support/killed-pictures.ts';
import { describeNeeding } from '../support/needing.ts';
import { keys } from '../support/pictures.ts';
import type { Pictures } from '../support/pictures.ts';
import type { HoldAt } from '../support/postgres/commit-proxy.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';

/** Four batches of a thousand for the first walk, and four for the second with one that removes the last. */
const COUNT = 3500;
const FIRST_WALK = 4;
const BATCHES = 9;
/** Each death takes the ten seconds in which Temporal misses a worker. */
const WITHIN_MILLIS = 240_000;

/** Every third file is a stray, in all batches; number n has n % 89 + 1 bytes. */
const isStray = (n: number): boolean => n % 3 === 0;
const countBytes = (n: number): number => (n % 89) + 1;
const KEYS = keys(COUNT);

async function fill(pictures: Pictures): Promise<void> {
  for (const [n, key] of KEYS.entries()) pictures.write(key, countBytes(n));
  await pictures.add(
    0,
    KEYS.filter((_, n) => !isStray(n)),
  );
  await pictures.database.rows('analyze');
}

describeNeeding(['temporal'], 'a worker that dies while it looks for strays', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test.concurrent.each<[string, HoldAt, number]>([
    ['in the first walk', 'before commit', 2],
    ['in the first walk', 'after commit', 2],
    ['where strays are removed', 'before commit', FIRST_WALK + 1],
    ['where strays are removed', 'after commit', FIRST_WALK + 1],
  ])(
    '%s, by SIGKILL %s: the next attempt goes on there, each stray goes once, no recorded file goes',
    async (_, at, batches) =>
      KilledPictures.with(session, 0, 'strays.config.ts', async (killed) => {
        const { pictures } = killed;
        await fill(pictures);
        const handle = await killed.start();
        await killed.killAtCommit(at, batches, async () => true);
        const left = new Set(pictures.files());
        expect(left.size === COUNT).toBe(batches < FIRST_WALK);
        // Meanwhile a row comes to record a stray that is still there.
        const saved = KEYS.findLastIndex((key, n) => isStray(n) && left.has(key));
        await pictures.database.rows('insert into cover values (1, $1)', [KEYS[saved]]);
        await killed.startWorker();
        await handle.result();

        const stays = (n: number): boolean => !isStray(n) || n === saved;
        expect(pictures.files()).toEqual(KEYS.filter((_key, n) => stays(n)).toSorted());
        const gone = KEYS.flatMap((_key, n) => (stays(n) ? [] : [countBytes(n)]));
        expect(await fetchReport(pictures.database, handle.workflowId)).toMatchObject({
          status: 'completed',
          files: gone.length,
          spaceReclaimed: gone.reduce((sum, bytes) => sum + bytes, 0),
        });
        expect(await pictures.waiting()).toBe(0);
        const walked = await pictures.database.rows(
          `select count(*)::int as batches, max((cursor #>> '{listing,files}')::int) as files from vacuum.batch`,
        );
        expect(walked).toEqual([{ batches: BATCHES, files: COUNT }]);
      }),
    WITHIN_MILLIS,
  );
});
