import { writeFileSync } from 'node:fs';

import { afterEach, describe, expect, test } from '@jest/globals';

import type { EitherDatabase } from '../../support/either.ts';
import { DIALECTS } from '../../support/either.ts';
import { ProposedConfig } from '../../support/proposed-config.ts';

/** A file written by hand, with mistakes that the policy alone shows, and mistakes in names that only the database knows. */
const CONFIG = `
import { defineEntity, p } from '@mikro-orm/core';
import { defineConfig, definePolicy, expireRows } from 'temporal-vacuum';

const Visit = defineEntity({
  name: 'Visit',
  tableName: 'visit',
  properties: { id: p.integer().primary(), seenAt: p.datetime() },
});
const Report = defineEntity({
  name: 'Report',
  tableName: 'report',
  properties: { id: p.integer().primary(), madeAt: p.datetime().fieldName('make_at'), kind: p.text() },
});
const visits = definePolicy({
  name: 'Visits',
  entities: [Visit, Report],
  passes: [
    expireRows({ name: 'visits', entity: Visit, age: 'seenAt', olderThan: '90 dayz' }),
    expireRows({ name: 'reports', entity: Report, age: 'madeAt', olderThan: '90 days', where: { kindd: 'daily' } }),
    expireRows({ name: 'others', entity: Report, age: 'kin', olderThan: '90 days', keepLast: { count: 0, per: ['kind'] } }),
  ],
  schedule: { cron: '0 25 * * *', timezone: 'UTC' },
});
export default defineConfig({ databases: { main: () => process.env['VACUUM_DATABASE_URL'] ?? '' }, policies: [visits] });
`;

/** What the policy alone shows. */
const IN_POLICY = [
  'policy "Visits": its name cannot be used',
  'policy "Visits": schedule.cron "0 25 * * *" cannot be read',
  'pass "visits": olderThan "90 dayz" is no duration',
  'pass "others": keepLast.count is 0',
];

describe.each(DIALECTS)('a file with many mistakes, on %s', (_, open) => {
  let world: EitherDatabase | undefined;
  let config: ProposedConfig | undefined;
  afterEach(async () => {
    config?.remove();
    await world?.drop();
  });

  test('is told all of them at once, with the names that may be meant', async () => {
    const opened = await open(`
      create table visits (id integer primary key, seen_at timestamp with time zone);
      create table report (id integer primary key, made_at timestamp with time zone, kind text);`);
    world = opened;
    config = new ProposedConfig(opened.url);
    writeFileSync(config.file, CONFIG);
    for (const command of [['preview'], ['run', '--execute', '--temporal', 'dev']]) {
      const { code, stderr } = await config.type(...command);
      expect(code).toBe(2);
      for (const mistake of [
        'policy "Visits" cannot be used, nothing was deleted; 8 mistakes:',
        ...IN_POLICY,
        'pass "visits": entity Visit has no table in this database (table visit is missing, and there is visits)',
        'pass "reports": property Report.madeAt has no column in this database (column report.make_at is missing, and there is made_at)',
        'pass "reports": its where names Report.kindd, which is no property. Use one of id, madeAt, kind',
        'pass "others": age names "kin", which is no property of Report with a column',
      ])
        expect(stderr).toContain(mistake);
    }
  });
});

test('a database that cannot be asked leaves those of the policy', async () => {
  const config = new ProposedConfig('postgres://nobody@127.0.0.1:1/nothing');
  writeFileSync(config.file, CONFIG);
  const { code, stderr } = await config.type('preview');
  expect(code).toBe(2);
  expect(stderr).toContain('4 mistakes:');
  for (const mistake of IN_POLICY) expect(stderr).toContain(mistake);
  config.remove();
});
