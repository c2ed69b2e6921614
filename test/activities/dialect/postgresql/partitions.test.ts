import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../../activities/ledger/database.ts';
import { openDatabase } from '../../../../activities/ledger/database.ts';
import type { TestDatabase } from '../../../support/database.ts';
import { createDatabase } from '../../../support/database.ts';

const LIMITS = { lockMillis: 1_000, statementMillis: 10_000 };

describe('partitions that are past a horizon', () => {
  let database: TestDatabase;
  let opened: Database;
  beforeEach(async () => {
    database = await createDatabase('template0');
    opened = await openDatabase(database.url);
  });
  afterEach(async () => {
    await opened.close();
    await database.drop();
  });

  async function findPast(type: string, horizon: string): Promise<string[]> {
    const found = await opened.session.snapshot(LIMITS, async (tx) =>
      tx.partitions?.findPast({ schema: 'public', name: 'r', label: 'r' }, { name: 'at', type }, horizon),
    );
    return found?.map(({ label }) => label) ?? [];
  }

  test.each([
    ['timestamp with time zone', '2026-03-01 00:00:00+00'],
    ['timestamp with time zone', '2026-03-01 02:00:00+02'],
    ['timestamp without time zone', '2026-03-01 00:00:00'],
    ['timestamp(0) without time zone', '2026-03-01 00:00:00'],
    ['date', '2026-03-01'],
  ])('are those whose upper bound is no later than it: %s, %s', async (type, bound) => {
    await database.rows(`
      alter database ${database.name} set timezone = 'America/Caracas';
      create table r (at ${type} not null) partition by range (at);
      create table b partition of r for values from (minvalue) to ('${bound}');
      create table a partition of r for values from ('${bound}') to ('2026-03-05 00:00:00+00');
      create table c partition of r for values from ('2026-03-05 00:00:00+00') to (maxvalue);
      create table d partition of r default`);
    expect(await findPast(type, '2026-02-28T23:59:59.999Z')).toEqual([]);
    expect(await findPast(type, '2026-03-01T00:00:00.000Z')).toEqual(['b']);
    expect(await findPast(type, '2026-03-04T23:59:59.999Z')).toEqual(['b']);
    expect(await findPast(type, '2100-01-01T00:00:00.000Z')).toEqual(['b', 'a']);
  });

  test('are none if the table is partitioned by something else by now', async () => {
    await database.rows(`
      create table r (at date, made date) partition by range (made);
      create table a partition of r for values from (minvalue) to ('2026-01-01')`);
    expect(await findPast('date', '2026-03-01T00:00:00.000Z')).toEqual([]);
    await database.rows('alter table r rename at to before; alter table r rename made to at');
    expect(await findPast('date', '2026-03-01T00:00:00.000Z')).toEqual(['a']);
    await database.rows(`
      drop table r;
      create table r (at date, made date) partition by range (at, made);
      create table a partition of r for values from (minvalue, minvalue) to ('2026-01-01', '2026-01-01')`);
    expect(await findPast('date', '2026-03-01T00:00:00.000Z')).toEqual([]);
  });

  test('are none of another server, none that is being detached, and no other table', async () => {
    await database.rows(`
      create extension postgres_fdw;
      create server elsewhere foreign data wrapper postgres_fdw;
      create schema other;
      create table r (at date not null) partition by range (at);
      create table other.r (at date not null) partition by range (at);
      create table other.old partition of other.r for values from (minvalue) to ('2020-01-01');
      create table here partition of r for values from ('2020-01-01') to ('2020-02-01');
      create foreign table far partition of r for values from ('2020-02-01') to ('2020-03-01') server elsewhere;
      create table mixed partition of r for values from ('2020-03-01') to ('2020-04-01') partition by list (at);
      create foreign table far_too partition of mixed default server elsewhere;
      create table leaving partition of r for values from ('2020-04-01') to ('2020-05-01')`);
    expect(await findPast('date', '2026-01-01T00:00:00.000Z')).toEqual(['here', 'leaving']);
    // As a detach concurrently that was interrupted leaves it.
    await database.rows(
      `update pg_inherits set inhdetachpending = true where inhrelid = 'leaving'::regclass`,
    );
    expect(await findPast('date', '2026-01-01T00:00:00.000Z')).toEqual(['here']);
  });

  test('are marked if an object depends on them, and not if a foreign key to the whole table does', async () => {
    await database.rows(`
      create table r (at date primary key) partition by range (at);
      create table plain partition of r for values from ('2020-01-01') to ('2020-02-01');
      create table viewed partition of r for values from ('2020-02-01') to ('2020-03-01');
      create table typed partition of r for values from ('2020-03-01') to ('2020-04-01');
      create table named partition of r for values from ('2020-04-01') to ('2020-05-01');
      create table split partition of r for values from ('2020-05-01') to ('2020-06-01') partition by list (at);
      create table part partition of split default;
      create view v as select * from viewed;
      create function f(one typed) returns integer language sql return 1;
      create view w as select * from part;
      create table whole (at date references r);
      create table one (at date references named)`);
    const found = await opened.session.snapshot(LIMITS, async (tx) =>
      tx.partitions?.findPast(
        { schema: 'public', name: 'r', label: 'r' },
        { name: 'at', type: 'date' },
        '2026-01-01T00:00:00.000Z',
      ),
    );
    expect(found?.map(({ label, needed }) => [label, needed])).toEqual([
      ['plain', undefined],
      ['viewed', true],
      ['typed', true],
      ['named', true],
      ['split', true],
    ]);
  });
});
