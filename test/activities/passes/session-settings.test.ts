import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';

// An instant as a key is written otherwise by sessions with other settings: people's, and those of other workers.
const Reading = defineEntity({
  name: 'Reading',
  properties: { id: p.datetime().primary(), sensor: p.integer() },
});
const Sensor = defineEntity({ name: 'Sensor', properties: { id: p.text().primary() } });

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
  await database.rows(`
    create table sensor (id text primary key);
    insert into sensor values ('x');
    create table reading (id timestamptz primary key, sensor integer not null);
    insert into reading select timestamptz '2020-01-01' + n * interval '1 hour', 1 from generate_series(1, 300) as n`);
});
afterEach(async () => database.drop());

function makePolicy(options: object = {}): Policy {
  const pass = expireRows({ name: 'old', entity: Reading, age: 'id', olderThan: '1 day', ...options });
  return definePolicy({ name: 'p', enabled: true, entities: [Reading, Sensor], passes: [pass] });
}

/** From here on sessions begin elsewhere. */
async function move(): Promise<void> {
  const name = new URL(database.url).pathname.slice(1);
  await database.rows(`alter database "${name}" set timezone to 'Asia/Tokyo'`);
}

async function left(): Promise<number[]> {
  const rows = await database.rows<{ hour: number }>(
    `select (extract(epoch from id - timestamptz '2020-01-01') / 3600)::int as hour from reading order by id`,
  );
  return rows.map(({ hour }) => hour);
}

test('a hold by an instant holds its row in every session, beside holds by other keys', async () => {
  const policy = makePolicy();
  const open = await openDatabase(database.url);
  const [key] = await database.rows<{ id: string }>(
    `select id::text as id from reading order by id offset 6 limit 1`,
  );
  for (const [entity, named] of [
    ['Sensor', 'x'],
    ['Reading', key?.id ?? ''],
  ] as const) {
    const request = { entity, rows: { key: named }, reason: 'a lawsuit', who: 'ann', until: null };
    await addHold(open, policy, request);
  }
  await open.close();
  await move();
  await runEngine(database.url, policy);
  expect(await left()).toEqual([7]);
});

test.each([
  [3, {}],
  [3, { lockFirst: true }],
  [120, {}],
])('the newest %i rows stay where a run goes on in other sessions: %j', async (count, options) => {
  const policy = makePolicy({ keepLast: { count, per: ['sensor'] } });
  const once = runEngine(database.url, policy, {
    ...options,
    size: 20,
    afterBatch: async () => {
      await move();
      throw new Error('the worker is gone');
    },
  });
  await expect(once).rejects.toThrow('the worker is gone');
  await runEngine(database.url, policy, { ...options, size: 20 });
  expect(await left()).toEqual(Array.from({ length: count }, (_, n) => 301 - count + n));
});
