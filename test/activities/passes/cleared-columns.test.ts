import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

// A foreign key of several columns that clears one of them (PostgreSQL 15): the tenant of a task stays. SQLite has none.

const Person = defineEntity({
  name: 'Person',
  properties: { tenant: p.integer().primary(), id: p.integer().primary(), at: p.datetime() },
});
const Task = defineEntity({
  name: 'Task',
  properties: {
    id: p.integer().primary(),
    tenant: p.integer(),
    personId: p.integer().nullable(),
    at: p.datetime(),
  },
});

const persons = expireRows({ name: 'persons', entity: Person, age: 'at', olderThan: '1 day' });
const tasks = (where: object) =>
  expireRows({ name: 'tasks', entity: Task, age: 'at', olderThan: '1 day', where });

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
  await database.rows(`
    create table person (tenant integer, id integer, at timestamptz not null, primary key (tenant, id));
    insert into person select 1 + n % 2, n, now() - n * interval '9 days' from generate_series(0, 3) as n`);
});
afterEach(async () => database.drop());

const makePolicy = (
  ...passes: Parameters<typeof definePolicy>[0]['passes']
): ReturnType<typeof definePolicy> =>
  definePolicy({ name: 'p', enabled: true, entities: [Person, Task], limits: { maxPercent: 100 }, passes });

async function makeTasks(more: string): Promise<void> {
  await database.rows(`
    create table task (
      id integer, tenant integer not null, person_id integer, at timestamptz not null default now() - interval '9 days'${more};
    insert into task (id, tenant, person_id) select 10 * id + tenant, tenant, id from person`);
}

const CLEARING = 'foreign key (tenant, person_id) references person on delete set null (person_id)';

test('the preview of a later pass knows which column is null by then, and which one is not', async () => {
  await makeTasks(`, primary key (id), ${CLEARING})`);
  const policy = makePolicy(persons, tasks({ tenant: 2, personId: null }));
  expect(await runAsPreviewed(database.url, policy)).toEqual({ persons: { person: 3 }, tasks: { task: 2 } });
  expect(await database.rows('select id, person_id from task order by id')).toEqual([
    { id: 1, person_id: 0 },
    { id: 21, person_id: null },
  ]);
});

test('the preview is exact although the other column may not be null', async () => {
  await makeTasks(`, primary key (id), ${CLEARING})`);
  const opened = await openDatabase(database.url);
  const { passes } = await previewPolicy(opened, makePolicy(persons), ['persons']);
  await opened.close();
  expect(passes[0]?.bounds).toEqual([]);
  expect(await runAsPreviewed(database.url, makePolicy(persons))).toEqual({ persons: { person: 3 } });
});

test('rows of a table that is partitioned by the other column stay in their partitions', async () => {
  await makeTasks(`, lead_id integer, ${CLEARING},
      foreign key (tenant, lead_id) references person on delete cascade) partition by list (tenant);
    create table task_1 partition of task for values in (1);
    create table task_2 partition of task for values in (2)`);
  await database.rows('update task set lead_id = person_id where person_id = 3');
  expect(await runAsPreviewed(database.url, makePolicy(persons))).toEqual({
    persons: { person: 3, task_2: 1 },
  });
  expect(await database.value('select count(person_id) from task')).toBe(1);
});
