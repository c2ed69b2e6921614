import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { CurrentBacklog } from '../../../activities/inspect/current-backlog.ts';
import { readStats } from '../../../activities/inspect/stats.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { measureSize } from '../../../policy/measure-size.ts';
import type { Policy } from '../../../policy/policy.ts';
import { reportRows } from '../../../policy/report-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createItems, expiring, Item, Owner, makePolicy } from '../../support/items.ts';

const DAY = 86_400;

describe('what waits for a pass', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createItems();
  });
  afterEach(async () => database.drop());

  /** Items n = from..until that are so old; each fills about an eighth of a page. */
  const add = async (from: number, until: number, age: string, state = 'done'): Promise<unknown> =>
    database.rows(
      `insert into item select n, null, $4 || repeat(' ', 900), now() - $3::interval from generate_series($1::int, $2::int) as n`,
      [from, until, age, state],
    );
  const look = async (policy: Policy, exact = false): Promise<readonly CurrentBacklog[]> => {
    const opened = await openDatabase(database.url);
    try {
      return (await readStats(opened, policy, exact)).backlog;
    } finally {
      await opened.close();
    }
  };
  const one = async (policy: Policy, exact = false): Promise<CurrentBacklog['now']> => {
    const [found] = await look(policy, exact);
    if (found === undefined) throw new Error('the pass has no backlog');
    return found.now;
  };
  const matching = makePolicy(expiring({ where: { state: { $like: 'done%' } } }));

  test('is counted where an index shows that it is little, just outside of the boundary left out', async () => {
    await database.rows('create index on item (at)');
    await add(1, 5000, '1 hour');
    await add(5001, 5007, '1 day 1 minute');
    await add(5008, 5020, '23 hours 59 minutes');
    await add(5021, 5400, '40 days', 'kept');
    await add(5401, 5401, '3 days');
    await database.rows('analyze item');
    const now = await one(matching);
    expect(now).toEqual({ rows: 8, error: 0, oldestSeconds: expect.any(Number), atLeast: false });
    expect(now?.oldestSeconds).toBeCloseTo(3 * DAY, -2);
    // Time goes on between the two looks.
    expect(await one(matching, true)).toEqual({ ...now, oldestSeconds: expect.any(Number) });
    const run = await runEngine(database.url, matching);
    expect(run.rows).toBe(8);
    expect(await one(matching)).toEqual({ rows: 0, error: 0, oldestSeconds: null, atLeast: false });
  });

  test('is estimated with its error where it is much, and has its oldest by the index all the same', async () => {
    await database.rows('create index on item (at)');
    await add(1, 4000, '1 hour');
    await add(4001, 10_000, '5 days');
    await add(10_001, 10_001, '90 days');
    await database.rows('analyze item');
    const now = await one(matching);
    if (now === null) throw new Error('not known');
    // Five standard errors: once in a million times.
    expect(now.error).toBeGreaterThan(50);
    expect(Math.abs(now.rows - 6001)).toBeLessThan(5 * now.error);
    expect(now).toMatchObject({ atLeast: false });
    expect(now.oldestSeconds).toBeCloseTo(90 * DAY, -2);
    const exact = await one(matching, true);
    expect(exact).toMatchObject({ rows: 6001, error: 0, atLeast: false });
    expect(exact?.oldestSeconds).toBeCloseTo(90 * DAY, -2);
  });

  test('has at least the age of the oldest of a sample without an index', async () => {
    await add(1, 9000, '5 days');
    await add(9001, 10_000, '1 hour');
    await database.rows('analyze item');
    const now = await one(matching);
    if (now === null) throw new Error('not known');
    expect(Math.abs(now.rows - 9000)).toBeLessThan(5 * now.error);
    expect(now.atLeast).toBe(true);
    expect(now.oldestSeconds).toBeCloseTo(5 * DAY, -2);
  });

  test('is not said to be nothing for sure where a sample of a part saw nothing', async () => {
    await add(1, 10_000, '1 hour');
    await database.rows('analyze item');
    const now = await one(matching);
    expect(now).toMatchObject({ rows: 0, oldestSeconds: null, atLeast: false });
    expect(now?.error).toBeGreaterThan(2);
  });

  test('survives ages that are infinite', async () => {
    await database.rows('create index on item (at)');
    await database.rows(
      `insert into item values (1, null, 'done', '-infinity'), (2, null, 'done', 'infinity')`,
    );
    expect(await one(matching)).toEqual({ rows: 1, error: 0, oldestSeconds: null, atLeast: false });
  });

  test('leaves out what a pass keeps, which only counting tells beforehand', async () => {
    await database.rows(`insert into owner values (1, 'a'), (2, 'b')`);
    await database.rows(
      `insert into item select n, 1 + n % 2, 'done', now() - n * interval '1 day' from generate_series(2, 21) as n`,
    );
    const keeping = makePolicy(expiring({ keepLast: { count: 4, per: ['ownerId'] } }));
    const [unknown] = await look(keeping);
    expect(unknown).toMatchObject({ now: null, why: expect.stringContaining('--exact') });
    expect(await one(keeping, true)).toMatchObject({ rows: 12 });
    expect((await runEngine(database.url, keeping)).rows).toBe(12);
    expect(await one(keeping, true)).toMatchObject({ rows: 0, oldestSeconds: null });
  });

  test('has no age where nobody knows since when a row waits, and passes that remove nothing have none', async () => {
    await database.rows(`alter table item drop constraint item_owner_id_fkey`);
    await database.rows(
      `insert into item select n, n, 'lost', now() - interval '30 days' from generate_series(1, 9) as n`,
    );
    const policy = makePolicy(
      deleteOrphans({ name: 'lost', entity: Item, by: 'ownerId', parent: Owner, age: 'at' }),
      reportRows({ name: 'stuck', entity: Item, age: 'at', olderThan: '1 day', where: { state: 'lost' } }),
      measureSize({ name: 'sizes' }),
    );
    const rows = { rows: 9, error: 0, oldestSeconds: null, atLeast: false };
    expect(await look(policy)).toEqual([
      { pass: 'lost', kind: 'deleteOrphans', now: rows, why: null, last: null },
    ]);
    expect((await look(policy, true))[0]?.now).toEqual(rows);
  });

  test('is not known of a pass that does not fit the database, which hides no other', async () => {
    await database.rows('alter table item drop column ended_at');
    await add(1, 3, '2 days');
    const found = await look(makePolicy(expiring({ name: 'unfit', age: 'endedAt' }), expiring()));
    expect(found).toMatchObject([
      { pass: 'unfit', now: null, why: expect.stringContaining('doctor') },
      { pass: 'old', now: { rows: 3 } },
    ]);
  });
});
