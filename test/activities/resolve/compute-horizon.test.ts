import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { computeHorizon } from '../../../activities/resolve/compute-horizon.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Period } from '../../../policy/period.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { DIALECTS } from '../../support/either.ts';
import { makeRandom } from '../../support/random.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/St_Johns',
];
const HOUR = 3_600_000;

describe('calendar months', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase('template0');
  });
  afterAll(async () => database.drop());

  test('are subtracted as PostgreSQL does, in any time zone, over summer time and ends of months', async () => {
    const random = makeRandom(16);
    const below = (limit: number): number => Math.floor(random() * limit);
    const cases = Array.from({ length: 3_000 }, () => ({
      at: new Date(Date.UTC(1995, below(500), 26 + below(9), below(24), below(60), below(60))).toISOString(),
      months: 1 + below(60),
      zone: ZONES[below(ZONES.length)] ?? 'UTC',
    }));
    const expected = await database.rows<{ millis: number }>(
      `select (1000 * extract(epoch from
         ((at::timestamptz at time zone zone) - months * interval '1 month') at time zone zone))::float8 as millis
       from jsonb_to_recordset($1) as c(at text, months int, zone text)`,
      [JSON.stringify(cases)],
    );
    const type = { name: 'at', type: 'timestamp with time zone' };
    const differ = cases.flatMap(({ at, months, zone }, n) => {
      const horizon = computeHorizon(at, `${months} months in ${zone}`, type);
      const own = new Date(expected[n]?.millis ?? 0).toISOString();
      return horizon === own ? [] : [`${at} ${months} months in ${zone}: ${horizon}, PostgreSQL ${own}`];
    });
    expect(differ).toEqual([]);
  });
});

const Visit = defineEntity({
  name: 'Visit',
  properties: { id: p.integer().primary(), at: p.datetime(), kind: p.string() },
});

/** So many months before now in UTC, the last of the month if it lacks the day. */
function monthsAgo(months: number): number {
  const now = new Date();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const day = Math.min(now.getUTCDate(), last);
  return first.getTime() + (day - 1) * 24 * HOUR + (now.getTime() % (24 * HOUR));
}

test.each(DIALECTS)('rows on both sides of some months, as previewed, on %s', async (_, open) => {
  const rows = [
    [1, monthsAgo(6) - HOUR / 6, 'a'],
    [2, monthsAgo(6) + HOUR / 6, 'a'],
    [3, monthsAgo(24) - HOUR / 6, 'b'],
    [4, monthsAgo(24) + HOUR / 6, 'b'],
  ] as const;
  const values = rows.map(
    ([id, at, kind]) =>
      `(${id}, '${new Date(at).toISOString().replace('T', ' ').replace('Z', '+00:00')}', '${kind}')`,
  );
  const database = await open(`
    create table visit (id integer primary key, at timestamp with time zone, kind text);
    insert into visit values ${values.join(', ')}`);
  const period: Period = '6 months';
  const passes = [
    expireRows({
      name: 'old',
      entity: Visit,
      age: 'at',
      olderThan: period,
      overrides: [{ where: { kind: 'b' }, olderThan: '2 years in UTC' }],
    }),
  ];
  const policy = definePolicy({ name: 'p', enabled: true, entities: [Visit], passes });
  expect(await runAsPreviewed(database.url, policy)).toEqual({ old: { visit: 2 } });
  expect(await database.ids('visit')).toEqual([2, 4]);
  await database.drop();
});
