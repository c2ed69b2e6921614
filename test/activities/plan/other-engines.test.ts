import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { assertSupported } from '../../../activities/plan/supported.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createItems, expiring, makePolicy } from '../../support/items.ts';

// None of these can be had here: what each says of itself is planted in a real PostgreSQL, as its own catalog has it.
describe('a database that only looks like PostgreSQL', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createItems();
    await database.rows(`
      create table child (id integer primary key, item_id integer references item on delete cascade, at timestamptz);
      insert into item select n, null, 'x', now() - interval '9 days' from generate_series(1, 5) as n`);
  });
  afterEach(async () => {
    expect(await database.value('select count(*) from item')).toBe(5);
    await database.drop();
  });

  async function refusal(): Promise<string> {
    return runEngine(database.url, makePolicy(expiring())).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );
  }

  async function examine(): Promise<string[]> {
    const open = await openDatabase(database.url);
    try {
      const findings = await examineDatabase(open, makePolicy(expiring()));
      return findings.filter(({ state }) => state === 'problem').map(({ what }) => what);
    } finally {
      await open.close();
    }
  }

  test.each([
    ['CockroachDB', 'CockroachDB CCL v25.4.0 (x86_64-pc-linux-gnu, built 2025/11/03, go1.23)'],
    ['YugabyteDB', 'PostgreSQL 15.12-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu, compiled by clang, 64-bit'],
    ['Greenplum', 'PostgreSQL 12.12 (Greenplum Database 7.1.0 build commit:e7c2b1f) on x86_64'],
    ['Amazon Redshift', 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.77467'],
  ])('is refused by name, by a run, a command and the doctor: %s', async (name, version) => {
    await database.rows(`
      create function public.version() returns text language sql as $$ select '${version}' $$;
      alter database "${database.name}" set search_path = public, pg_catalog`);
    expect(await refusal()).toContain(`it is ${name} and not PostgreSQL`);
    expect(await examine()).toEqual([expect.stringContaining(`it is ${name} and not PostgreSQL`)]);
    const open = await openDatabase(database.url);
    await expect(assertSupported(open.session)).rejects.toThrow(`it is ${name}`);
    await open.close();
  });

  test.each([
    [
      'PostgreSQL 16.6 on aarch64-unknown-linux-gnu, compiled by aarch64-unknown-linux-gnu-gcc (GCC) 9.5.0, 64-bit',
    ],
    ['PostgreSQL 17.4 (AlloyDB Omni) on x86_64-pc-linux-gnu'],
    ['PostgreSQL 17.5 (6bc9ef8) on aarch64-unknown-linux-gnu, compiled by clang (Neon)'],
  ])('but a service that runs PostgreSQL is none of them: %s', async (version) => {
    await database.rows(`
      create function public.version() returns text language sql as $$ select '${version}' $$;
      alter database "${database.name}" set search_path = public, pg_catalog`);
    expect(await examine()).toEqual([]);
  });

  test('a hypertable of TimescaleDB is refused, as the table of a pass and as one that cascades reach', async () => {
    await database.rows(`
      create schema _timescaledb_catalog;
      create table _timescaledb_catalog.hypertable (id integer, schema_name name, table_name name);
      insert into _timescaledb_catalog.hypertable values (1, 'public', 'item')`);
    expect(await refusal()).toContain('the table of entity Item is a hypertable of TimescaleDB');
    await database.rows(`update _timescaledb_catalog.hypertable set table_name = 'child'`);
    expect(await refusal()).toContain('deleted by cascade is a hypertable of TimescaleDB');
    expect((await examine()).join()).toContain('hypertable of TimescaleDB');
  });

  test('a table that Citus distributes is refused', async () => {
    await database.rows(`
      create table pg_dist_partition (logicalrelid regclass, partmethod "char");
      insert into pg_dist_partition values ('item', 'h')`);
    expect(await refusal()).toContain('the table of entity Item is distributed by Citus');
    expect((await examine()).join()).toContain('distributed by Citus');
  });

  test('a table of another access method is refused', async () => {
    await database.rows(`
      create access method columnar type table handler heap_tableam_handler;
      alter table item set access method columnar`);
    try {
      expect(await refusal()).toContain('is kept by the access method columnar');
    } finally {
      await database.rows('alter table item set access method heap');
    }
  });
});
