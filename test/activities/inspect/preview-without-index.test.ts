import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { noteMissingIndexes } from '../../../activities/plan/missing-indexes.ts';
import { checkAgainst } from '../../../activities/plan/resolve-policy.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';

const Device = defineEntity({
  name: 'Device',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const policy = definePolicy({
  name: 'devices',
  enabled: true,
  entities: [Device],
  limits: { maxPercent: 100 },
  passes: [expireRows({ name: 'devices', entity: Device, age: 'at', olderThan: '60 days' })],
});

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
  await database.rows(`
    create table device (id integer primary key, at timestamptz not null);
    create table reading (
      id integer primary key,
      device_id integer references device on delete cascade,
      source_id integer references device on delete cascade);
    create table note (id integer primary key, reading_id integer references reading on delete cascade);
    create index on note (reading_id);
    insert into device select n, now() - n * interval '10 minutes' from generate_series(1, 12000) as n;
    insert into reading
    select n, 1 + n % 12000, case when n % 50 = 0 then 1 + (n * 7) % 12000 end from generate_series(1, 60000) as n;
    insert into note select n, n from generate_series(1, 60000, 7) as n;
    analyze`);
});
afterEach(async () => database.drop());

test('two cascades from one child without an index are counted set by set, and the run says which index is missing', async () => {
  const open = await openDatabase(database.url);
  try {
    const started = performance.now();
    const { passes } = await previewPolicy(open, policy, ['devices']);
    // From row to row it reads the child table 3,360 times, which takes minutes.
    expect(performance.now() - started).toBeLessThan(15_000);
    const resolved = await checkAgainst(open.session, policy, ['devices'], 'execute');
    expect(noteMissingIndexes(resolved.passes, resolved.catalog, open.session.advice)).toEqual(
      ['device_id', 'source_id'].map((column) => {
        return {
          what: expect.stringContaining(
            'pass devices is slow: each row that it deletes makes the database read',
          ),
          here: expect.stringContaining(
            `foreign key reading_${column}_fkey of table reading; create index concurrently on "public"."reading" ("${column}")`,
          ),
        };
      }),
    );
    await database.rows('create index on reading (device_id); create index on reading (source_id)');
    const report = await runEngine(database.url, policy);
    expect(report.deleted).toEqual(passes[0]?.deleted);
  } finally {
    await open.close();
  }
});
