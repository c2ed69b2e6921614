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
    cluster = await startCluster({ programs: programsIn(STOCK_POSTGRESQL.folder) });
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
});
