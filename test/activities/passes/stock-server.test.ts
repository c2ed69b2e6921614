import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { describeNeeding } from '../../support/needing.ts';
import { STOCK_POSTGRESQL } from '../../support/parts/bring.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { programsIn } from '../../support/postgres/programs.ts';
import { checkRandomPolicy, makeRandomDatabase } from '../../support/random-schemas/check.ts';
import { SEED } from '../../support/random.ts';

/** So many random policies; the long run of a person has more. */
const POLICIES = Number(process.env['TEST_STOCK_POLICIES'] ?? 3);

const Line = defineEntity({
  name: 'Line',
  tableName: 'line',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Swap = defineEntity({ name: 'Swap', tableName: 'swap', properties: { id: p.integer().primary() } });

const policy = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Line, Swap],
  passes: [expireRows({ name: 'lines', entity: Line, age: 'at', olderThan: '90 days' })],
});

describeNeeding(['stock-postgresql'], 'a server that compiles statements of high cost', () => {
  let cluster: Cluster;
  let database: TestDatabase;
  beforeAll(async () => {
    // What is compiled is recorded, statement by statement.
    cluster = await startCluster({
      programs: programsIn(STOCK_POSTGRESQL.folder),
      settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'all' },
    });
    database = await createDatabase('template0', cluster.url());
  });
  afterAll(async () => {
    await database.drop();
    await cluster.destroy();
  });

  // A hold below a family that is no tree makes a plan whose costs are far above the threshold: 83 functions were compiled
  // in each batch, for longer than a batch may take.
  test('compiles none of a batch', async () => {
    await database.rows(`
      create table line (id integer primary key, at timestamptz not null);
      create table swap (
        id integer primary key,
        a integer references line on delete cascade,
        b integer references line on delete cascade);
      create index on swap (a);
      create index on swap (b);
      insert into line select n, now() - (300 - n) * interval '1 day' from generate_series(0, 299) as n;
      insert into swap select n, n, 299 - n from generate_series(0, 299) as n;
      analyze;
      create table seen (jit text);
      create function see() returns trigger language plpgsql as
        $$ begin insert into seen values (current_setting('jit')); return old; end $$;
      create trigger see before delete on line for each row execute function see()`);
    expect(await database.value(`select current_setting('jit') || pg_jit_available()::text`)).toBe('ontrue');
    const open = await openDatabase(database.url);
    const request = { entity: 'Swap', rows: { key: '20' }, reason: 'a lawsuit', who: 'ann', until: null };
    await addHold(open, policy, request);
    await open.close();
    const { passes } = await runEngine(database.url, policy);
    expect(await database.rows('select id from line where id in (19,20,21)')).toEqual([{ id: 20 }]);
    expect(passes[0]?.deleted['line']).toBe(210);
    expect(await database.rows('select distinct jit from seen')).toEqual([{ jit: 'off' }]);
  });

  // Each statement is worth compiling here, so that random plans need not be large to show one that is.
  test('compiles nothing of random policies, whatever their plans cost', async () => {
    const random = await makeRandomDatabase(cluster.url());
    try {
      await random.rows(`
        create extension pg_stat_statements;
        create role vacuum_role superuser login;
        alter role vacuum_role set jit_above_cost = 0;
        alter role vacuum_role set jit_optimize_above_cost = 0;
        alter role vacuum_role set jit_inline_above_cost = 0`);
      const url = new URL(random.url);
      url.username = 'vacuum_role';
      for (let n = 0; n < POLICIES; n += 1) await checkRandomPolicy(random, SEED + n, url.toString());
      // Statements on the ledger alone are cheap: no server compiles them by its defaults.
      const [seen] = await random.rows<{ statements: number; compiled: string[] }>(`
        select count(*)::int as statements, coalesce(array_agg(query) filter (where jit_functions > 0), '{}') as compiled
        from pg_stat_statements
        where userid = 'vacuum_role'::regrole and query ~ '"(parent|child|tag|heir)"'`);
      expect(seen?.compiled).toEqual([]);
      expect(seen?.statements).toBeGreaterThan(POLICIES);
    } finally {
      await random.drop();
    }
  });
});
