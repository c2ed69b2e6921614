import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { InferEntity } from '@mikro-orm/core';
import { defineEntity, p } from '@mikro-orm/core';

import type { Scan } from '../../../activities/stored/scan.ts';
import type { ExpireRowsOptions } from '../../../policy/expire-rows.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { waitForLockWait } from '../../support/locks.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Tenant = defineEntity({
  name: 'Tenant',
  properties: { id: p.integer().primary(), keepDays: p.double().nullable(), name: p.string() },
});
const Entry = defineEntity({
  name: 'Entry',
  properties: {
    id: p.integer().primary(),
    tenantId: p.integer().nullable(),
    keepHours: p.integer().nullable(),
    at: p.datetime(),
    day: p.date(),
  },
});

describe('a retention that stands in the database', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table tenant (id integer primary key, keep_days double precision, name text);
      create table entry (
        id integer primary key, tenant_id integer, keep_hours integer, at timestamptz not null, day date);
      create index on entry (at)`);
  });
  afterEach(async () => database.drop());

  const makePolicy = (options: Partial<ExpireRowsOptions<InferEntity<typeof Entry>>>): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [Tenant, Entry],
      passes: [expireRows({ name: 'old', entity: Entry, age: 'at', olderThan: null, ...options } as never)],
    });
  const ofTenant = { parent: Tenant, by: 'tenantId', column: 'keepDays', unit: 'days' } as const;

  async function add(
    id: number,
    age: string,
    tenant: number | null,
    hours: number | null = null,
  ): Promise<void> {
    await database.rows(
      `insert into entry values ($1, $2, $3, now() - $4::interval, (now() - $4::interval)::date)`,
      [id, tenant, hours, age],
    );
  }
  const left = async (): Promise<number[]> =>
    (await database.rows<{ id: number }>('select id from entry order by id')).map((row) => row.id);

  /** Tenants of ten days, a day and a half, none, nothing, less than nothing, not a number and for ever. */
  async function addTenants(): Promise<void> {
    await database.rows(`
      insert into tenant values
        (1, 10, 'ten'), (2, 1.5, 'one and a half'), (3, null, 'none'), (4, 0, 'nothing'), (5, -3, 'negative'),
        (6, 'NaN', 'nan'), (7, 'infinity', 'ever')`);
  }

  test.each(['by-location', 'by-age'] satisfies Scan[])('of the parent, by %s', async (scan) => {
    await addTenants();
    await add(1, '10 days 1 second', 1);
    await add(2, '9 days 23:59:50', 1);
    await add(3, '36:00:01', 2);
    await add(4, '35:59:50', 2);
    await add(5, '30 days 1 second', 3);
    await add(6, '29 days 23:59:50', 3);
    for (const tenant of [4, 5, 6, 7]) await add(tenant + 10, '1000 days', tenant);
    await add(20, '31 days', null);
    await add(21, '31 days', 99);
    await add(22, '29 days', 99);
    await runAsPreviewed(database.url, makePolicy({ olderThan: { ...ofTenant, default: '30 days' } }), {
      scan,
      size: 2,
    });
    expect(await left()).toEqual([2, 4, 6, 14, 15, 16, 17, 22]);
  });

  test('of the row, with a default of for ever, and with allowShort', async () => {
    const own = { column: 'keepHours', unit: 'hours', default: null } as const;
    await add(1, '5:00:01', null, 5);
    await add(2, '4:59:50', null, 5);
    await add(3, '1000 days', null, null);
    await add(4, '1000 days', null, 0);
    await runAsPreviewed(database.url, makePolicy({ olderThan: own }));
    expect(await left()).toEqual([2, 3, 4]);
    await add(5, '1000 days', null, -1);
    await runAsPreviewed(database.url, makePolicy({ olderThan: own, allowShort: true }));
    expect(await left()).toEqual([2, 3, 5]);
  });

  test.each([
    ['milliseconds', 1],
    ['seconds', 1_000],
    ['minutes', 60_000],
  ] as const)('in %s; what comes to less than an hour keeps its row', async (unit, millis) => {
    const hours = (count: number): number => (count * 3_600_000) / millis;
    await add(1, '5:00:01', null, hours(5));
    await add(2, '4:59:30', null, hours(5));
    await add(3, '1000 days', null, hours(1) - 1);
    await add(4, '1:00:01', null, hours(1));
    await add(5, '1000 days', null, null);
    await runAsPreviewed(
      database.url,
      makePolicy({ olderThan: { column: 'keepHours', unit, default: null } }),
    );
    expect(await left()).toEqual([2, 3, 5]);
  });

  test('in an override, by a date, whose horizon lies twelve hours earlier', async () => {
    const own = { column: 'keepHours', unit: 'weeks', default: null } as const;
    // A date whose day began less than the retention and a half day ago stays, whatever the hour of the test.
    await add(1, '8 days 12:00:01', 1, 1);
    await add(2, '7 days 11:59:00', 1, 1);
    await add(3, '40 days 11:59:00', 2, 1);
    await add(4, '41 days 12:00:01', 2, 1);
    const overrides = [{ where: { tenantId: 1 }, olderThan: own }];
    await runAsPreviewed(database.url, makePolicy({ age: 'day', olderThan: '40 days', overrides }));
    expect(await left()).toEqual([2, 3]);
  });

  test('a longer one that is set while the delete waits keeps the rows', async () => {
    await addTenants();
    for (let id = 1; id <= 5; id += 1) await add(id, '20 days', 1);
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update entry set at = at where id = 3`);
    await other.query(`update tenant set keep_days = 100 where id = 1`);
    // Rows that others hold are left out by the engine: the row and its tenant change together.
    const policy = makePolicy({ olderThan: { ...ofTenant, default: null } });
    await runEngine(database.url, policy);
    await other.query('commit');
    other.release();
    expect(await left()).toEqual([3]);
    await runEngine(database.url, policy);
    expect(await left()).toEqual([3]);
  });

  test('a longer one of the row that is set while the delete waits for it keeps it', async () => {
    for (let id = 1; id <= 5; id += 1) await add(id, '20 days', 1, 5);
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update entry set keep_hours = 5000 where id = 3`);
    const policy = makePolicy({ olderThan: { column: 'keepHours', unit: 'hours', default: null } });
    // On a busy machine its lock timeout may end it: then it is tried again, as a run does.
    const running = runEngine(database.url, policy).catch(async (error: unknown) => {
      if (!/lock timeout/.test(String(error))) throw error;
      return runEngine(database.url, policy);
    });
    await waitForLockWait(database);
    await other.query('commit');
    other.release();
    await running;
    expect(await left()).toEqual([3]);
  });

  test('what cannot be meant is refused, all at once', async () => {
    const refused = async (olderThan: object): Promise<string> =>
      runEngine(database.url, makePolicy({ olderThan } as never)).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    expect(await refused({ ...ofTenant, column: 'name', default: null })).toContain(
      'olderThan names Tenant.name, which is no number in this database',
    );
    const message = await refused({
      column: 'keepHours',
      unit: 'months',
      by: 'tenantId',
      default: '5 minutes',
    });
    expect(message).toContain(
      'olderThan.unit is "months". Use one of milliseconds, seconds, minutes, hours, days, weeks',
    );
    expect(message).toContain('olderThan has one of parent and by');
    expect(message).toContain('olderThan.default is 5 minutes, so that nearly everything would be deleted');
  });
});
