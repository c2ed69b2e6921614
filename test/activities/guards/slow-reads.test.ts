import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';

import type { Catalog } from '../../../activities/dialect/catalog.ts';
import { examineAmount } from '../../../activities/guards/amount.ts';
import type { GuardedPass } from '../../../activities/guards/guard.ts';
import { isGuarded, QueryBudget } from '../../../activities/guards/guard.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { planPasses } from '../../../activities/plan/plan-passes.ts';
import { resolvePolicy } from '../../../activities/plan/resolve-policy.ts';
import type { PolicyEntities } from '../../../activities/resolve/entities.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { oldThings, makeThings, thingPolicy } from '../../support/guarded.ts';

describe('guards that read for too long', () => {
  let things: TestDatabase;
  let database: Database;
  let known: { catalog: Catalog; entities: PolicyEntities; passes: GuardedPass[]; evidence: [] };
  const policy = thingPolicy({
    passes: [oldThings({ where: { state: 'done' } })],
    limits: { maxPercent: 100 },
  });

  beforeAll(async () => {
    things = await createDatabase(await makeThings());
    // Nothing is newer than the horizon, no index leads there, and it takes a while to see that.
    await things.rows(`drop index thing_at_idx;
      update thing set at = now() - interval '40 days';
      insert into thing
        select n, case when n % 10 = 0 then 'done' else 'busy' end, now() - interval '50 days'
        from generate_series(2000, 300000) as n;
      analyze thing`);
    database = await openDatabase(things.url);
    await database.ledger.migrate();
    known = await database.session.snapshot({ lockMillis: 1000, statementMillis: 30_000 }, async (tx) => {
      const resolved = await resolvePolicy(tx, policy, ['old-things'], 'execute');
      return {
        catalog: resolved.catalog,
        entities: resolved.entities,
        passes: (await planPasses(tx, policy, resolved)).filter(isGuarded),
        evidence: [],
      };
    });
  });
  afterAll(async () => {
    await database.close();
    await things.drop();
  });

  const examine = async (budget: QueryBudget): ReturnType<typeof examineAmount> =>
    examineAmount(database, { policy, maxRows: Infinity, allowPercent: 0, lastRun: 0, ...known, budget });

  test('stop a run of which they cannot say that rows are newer', async () => {
    const [mistake, ...others] = await examine(new QueryBudget({ eachMillis: 1 }));
    expect(others).toEqual([]);
    expect(mistake?.what).toMatch(/^looking for a row of entity Thing that is newer than .* took too long/);
    expect(mistake?.fix).toContain('give the age an index');
  });

  test('have all the time of the run together', async () => {
    const [mistake] = await examine(new QueryBudget({ allMillis: 0 }));
    // Each still gets a moment, which is enough here or not.
    expect(mistake?.at).toBe('limit allowNewest');
  });

  test('say it for sure where there is time', async () => {
    const [mistake] = await examine(new QueryBudget());
    expect(mistake?.what).toMatch(/^no row of entity Thing is newer than /);
  });

  test('find a new row at the end of the table soon', async () => {
    await things.rows(`insert into thing values (300001, 'busy', now())`);
    expect(await examine(new QueryBudget({ eachMillis: 1000 }))).toEqual([]);
  });

  test('end on the server where the run is asked to end', async () => {
    const other = new Client(things.url);
    await other.connect();
    await other.query('begin; lock table thing in access exclusive mode');
    const asked = new AbortController();
    const budget = new QueryBudget({ signal: asked.signal });
    const reading = budget.tryRead(database.session, async (tx) => {
      const counting = tx.tables.countUpTo(
        { schema: 'public', name: 'thing', label: 'thing' },
        Number.MAX_SAFE_INTEGER,
      );
      asked.abort();
      return counting;
    });
    await expect(reading).rejects.toThrow(/abort/i);
    await other.end();
  });
});
