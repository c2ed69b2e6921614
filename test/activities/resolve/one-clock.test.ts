import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

// The clock of the machine of the worker may be wrong. Horizons are counted from the clock of the server.

const HOUR = 3_600_000;
const Job = defineEntity({
  name: 'Job',
  properties: { id: p.integer().primary(), at: p.datetime(), hours: p.integer().nullable() },
});
const Log = defineEntity({
  name: 'Log',
  properties: { id: p.integer().primary(), jobId: p.integer(), at: p.datetime() },
});
const POLICY = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Job, Log],
  limits: { maxPercent: 100 },
  passes: [
    expireRows({
      name: 'old',
      entity: Job,
      age: 'at',
      olderThan: { column: 'hours', unit: 'hours', default: '2 hours' },
    }),
    deleteOrphans({ name: 'lost', entity: Log, by: 'jobId', parent: Job, age: 'at', grace: '2 hours' }),
  ],
});

describe.each([1, -1])('a worker whose clock is off by %d h', (hours) => {
  let database: TestDatabase;

  beforeEach(async () => {
    const real = Date.now;
    // Only the clock: timers go on as they are.
    jest.useFakeTimers({
      now: real() + hours * HOUR,
      advanceTimers: true,
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ],
    });
    database = await createDatabase('template0');
    await database.rows(`
      create table job (id integer primary key, at timestamptz not null, hours integer);
      create table log (id integer primary key, job_id integer not null, at timestamptz not null);
      insert into job values
        (1, now() - interval '121 minutes', null), (2, now() - interval '119 minutes', null),
        (3, now() - interval '181 minutes', 3), (4, now() - interval '179 minutes', 3),
        (5, now() - interval '9 days', null);
      insert into log values (10, 99, now() - interval '121 minutes'), (11, 99, now() - interval '119 minutes')`);
  });
  afterEach(async () => {
    jest.useRealTimers();
    await database.drop();
  });

  const ids = async (table: string): Promise<number[]> =>
    (await database.rows<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);

  test('deletes what is old by the clock of the server, and keeps what is held by it', async () => {
    const server = await database.value('select 1000 * extract(epoch from now())::float8');
    expect(Math.round((Date.now() - server) / HOUR)).toBe(hours);
    const opened = await openDatabase(database.url);
    const until = await database.value<string>(`select to_json(now() + interval '30 minutes') #>> '{}'`);
    await addHold(opened, POLICY, { entity: 'Job', rows: { key: '5' }, reason: 'x', who: 'me', until });
    const [told] = (await explainRow(opened, POLICY, 'Job', '2')).passes;
    const due = told?.from ?? '';
    const expected = await database.value(
      `select 1000 * extract(epoch from at + interval '2 hours')::float8 from job where id = 2`,
    );
    expect(Math.abs(Date.parse(due) - expected)).toBeLessThan(5);
    await opened.close();
    expect(await runAsPreviewed(database.url, POLICY)).toEqual({ old: { job: 2 }, lost: { log: 1 } });
    expect([await ids('job'), await ids('log')]).toEqual([[2, 4, 5], [11]]);
  });
});
