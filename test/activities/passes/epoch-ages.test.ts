import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { readStats } from '../../../activities/inspect/stats.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { ColumnName } from '../../../activities/stored/columns.ts';
import type { Scan } from '../../../activities/stored/scan.ts';
import type { EpochUnit } from '../../../policy/epoch.ts';
import { epoch } from '../../../policy/epoch.ts';
import type { ExpireRowsOptions } from '../../../policy/expire-rows.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { reportRows } from '../../../policy/report-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Visit = defineEntity({
  name: 'Visit',
  properties: { id: p.integer().primary(), seen: p.bigint('string'), kind: p.text().nullable() },
});

const PER_SECOND = { s: 1, ms: 1e3, us: 1e6 } as const;
const UNITS = { s: 'seconds', ms: 'milliseconds', us: 'microseconds' } as const;

const CASES = (['s', 'ms', 'us'] as const).flatMap((unit) =>
  (['by-location', 'by-age'] satisfies Scan[]).flatMap((scan) =>
    ['bigint', 'numeric', 'double precision'].map((type) => ({ unit, scan, type })),
  ),
);

describe('ages that are numbers since 1970', () => {
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

  async function createTable(type: string): Promise<void> {
    await database.rows(`create table visit (id integer primary key, seen ${type}, kind text)`);
    await database.rows('create index on visit (seen)');
  }

  /** A row of an age, in a unit. */
  async function add(id: number, age: string, unit: EpochUnit, kind: string | null = null): Promise<void> {
    await database.rows(
      `insert into visit select $1, extract(epoch from now() - $2::interval) * $3::bigint, $4`,
      [id, age, PER_SECOND[unit], kind],
    );
  }

  const makePolicy = (
    unit: EpochUnit,
    options: Partial<ExpireRowsOptions<{ id: number; seen: string; kind?: string | null }>> = {},
  ): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [Visit],
      passes: [
        expireRows({
          name: 'old',
          entity: Visit,
          age: epoch('seen', unit),
          olderThan: '30 days',
          ...(options as object),
        }),
      ],
      limits: { maxPercent: 100 },
    });
  const left = async (): Promise<number[]> =>
    (await database.rows<{ id: number }>('select id from visit order by id')).map((row) => row.id);

  test.each(CASES)('$type in $unit, $scan: old rows go, and values that are no instants stay', async (c) => {
    await createTable(c.type);
    await add(1, '30 days 5 seconds', c.unit);
    await add(2, '29 days 23:59:30', c.unit);
    await add(3, '3000 days', c.unit);
    await add(4, '-30 days', c.unit);
    // Never, nothing, before 1973, and the numbers of other units.
    await database.rows(
      `insert into visit values (10, 0), (11, null), (12, -5), (13, ${1e8 * PER_SECOND[c.unit] - 1})`,
    );
    for (const [n, other] of (['s', 'ms', 'us'] as const).entries()) {
      if (other !== c.unit) await add(20 + n, '300 days', other);
    }
    const others = (await left()).filter((id) => id >= 20);
    expect(others).toHaveLength(2);
    for (let id = 100; id < 140; id += 1) await add(id, `${id} days`, c.unit);
    const deleted = await runAsPreviewed(database.url, makePolicy(c.unit), { scan: c.scan, size: 7 });
    expect(deleted).toEqual({ old: { visit: 42 } });
    expect(await left()).toEqual([2, 4, 10, 11, 12, 13, ...others]);
  });

  test.each(['s', 'ms', 'us'] as const)('the boundary is exact, in %s', async (unit) => {
    await createTable('bigint');
    const horizon = '2026-03-01T10:00:00.123Z';
    const number = (Date.parse(horizon) / 1000) * PER_SECOND[unit];
    for (const [id, seen] of [Math.ceil(number) - 1, Math.ceil(number), Math.ceil(number) + 1].entries()) {
      await database.rows('insert into visit values ($1, $2)', [id, String(seen)]);
    }
    const age: ColumnName = { name: 'seen', type: `timestamp in ${UNITS[unit]} of bigint with time zone` };
    const { session } = opened;
    const table = { schema: 'public', name: 'visit', label: 'visit' };
    const isOld = session.view().isOlder(age, horizon);
    // By the expression that deletes, and by the bound that the scan of the index has.
    expect(await session.tables.count(table, isOld, [age])).toMatchObject({ rows: 1 });
    const all = session.view().isNotNull(age);
    expect(await session.tables.countOldest(table, all, [age], horizon, 10)).toMatchObject({ rows: 1 });
  });

  test('an index on the age is walked, and explain, backlog and reports know the instant', async () => {
    await createTable('bigint');
    await database.rows(`
      insert into visit
      select n, (extract(epoch from now() - n * interval '3 minutes') * 1000)::bigint, 'x' from generate_series(1, 100000) as n`);
    await database.rows('analyze visit');
    const policy = makePolicy('ms');
    const { passes } = await explainRow(opened, policy, 'Visit', '5');
    const [due] = passes[0]?.reasons.map(({ from }) => from) ?? [];
    expect(Math.abs(Date.parse(due ?? '') - Date.now() - (30 * 24 * 60 - 15) * 60_000)).toBeLessThan(60_000);
    const report = definePolicy({
      ...policy,
      passes: [reportRows({ name: 'found', entity: Visit, age: epoch('seen', 'ms'), olderThan: '200 days' })],
    });
    const found = await runEngine(database.url, report);
    const oldest = found.passes[0]?.reported?.oldest ?? '';
    expect(Math.abs(Date.parse(oldest) - (Date.now() - 5000 * 3_600_000))).toBeLessThan(60_000);
    const few = makePolicy('ms', { olderThan: '4980 hours' });
    const expired = 100_000 - 4980 * 20 + 1;
    const { backlog } = await readStats(opened, few, false);
    expect(backlog).toMatchObject([{ pass: 'old', now: { rows: expired } }]);
    expect(Math.abs((backlog[0]?.now?.oldestSeconds ?? 0) - 5000 * 3600)).toBeLessThan(60);
    const run = await runEngine(database.url, few, { size: 50 });
    expect(run.passes[0]).toMatchObject({ scan: 'by-age', rows: expired });
    expect(await database.value('select count(*) from visit')).toBe(100_000 - expired);
    expect(await examineDatabase(opened, few)).not.toContainEqual(
      expect.objectContaining({ about: 'index on visit.seen' }),
    );
  });

  test('a unit that no value has, and a column that has no numbers, are refused', async () => {
    await createTable('bigint');
    const refused = async (policy: Policy): Promise<string> =>
      runEngine(database.url, policy).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    for (let id = 1; id < 50; id += 1) await add(id, `${id} days`, 's');
    await database.rows('analyze visit');
    const wrong = await refused(makePolicy('ms'));
    expect(wrong).toContain(
      'age takes Visit.seen for milliseconds since 1970, and none of its values is one',
    );
    expect(wrong).toContain('Name the unit of its values: s, ms, us');
    expect(await refused(makePolicy('s', { age: 'seen' }))).toContain(
      "is written as epoch('property', 'ms')",
    );
    expect(await refused(makePolicy('s', { age: epoch('kind', 's') }))).toContain(
      'age takes Visit.kind for a number since 1970, and it is none in this database',
    );
    expect(await refused(makePolicy('h' as never))).toContain(
      "is no epoch('property', unit) with a known unit",
    );
    expect(await left()).toHaveLength(49);
  });

  test('the newest rows of a group stay, and a retention may stand in a column', async () => {
    await createTable('bigint');
    for (let id = 1; id <= 6; id += 1) await add(id, `${40 + id} days`, 'ms', id % 2 === 0 ? 'a' : 'b');
    const policy = makePolicy('ms', {
      keepLast: { count: 1, per: ['kind'] },
      overrides: [{ where: { kind: 'b' }, olderThan: { column: 'id', unit: 'weeks', default: null } }],
    });
    await runAsPreviewed(database.url, policy);
    // Of b: 1 is 41 days old and stays for a week, 3 for three weeks, and 5 is 45 days old and stays for five.
    expect(await left()).toEqual([1, 2]);
  });
});
