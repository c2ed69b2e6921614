import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Deployment = defineEntity({
  name: 'Deployment',
  properties: { id: p.integer().primary(), retired: p.boolean() },
});
const Run = defineEntity({
  name: 'Run',
  properties: {
    id: p.integer().primary(),
    deployment: () => p.manyToOne(Deployment).nullable(),
    at: p.datetime(),
  },
});

/** Deployment 1 is in use, 2 has ended. Runs of each: two old ones and one just inside of the retention. */
const SCHEMA = `
  create table deployment (id integer primary key, retired boolean not null);
  create table run (id integer primary key, deployment_id integer references deployment, at timestamp with time zone not null);
  insert into deployment values (1, false), (2, true);
  insert into run values
    (1, 1, ${daysAgo(200)}), (2, 1, ${daysAgo(100)}), (3, 2, ${daysAgo(200)}), (4, 2, ${daysAgo(100)}),
    (5, 2, ${daysAgo(89)}), (6, null, ${daysAgo(100)});`;

const POLICY = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Run, Deployment],
  passes: [
    expireRows({
      name: 'old',
      entity: Run,
      age: 'at',
      olderThan: '90 days',
      keepLast: { count: 1, per: ['deployment'] },
      overrides: [{ where: { deployment: { retired: true } }, olderThan: '90 days', keepLast: null }],
    }),
  ],
});

describe.each(DIALECTS)('groups that have ended, on %s', (_, open) => {
  let source: EitherDatabase;

  beforeEach(async () => {
    source = await open(SCHEMA);
  });
  afterEach(async () => source.drop());

  test.each([{}, { size: 1 }, { lockFirst: true }])('have no newest rows that stay: %j', async (options) => {
    await runAsPreviewed(source.url, POLICY, options);
    expect(await source.ids('run')).toEqual([2, 5, 6]);
  });

  test('explain says which row the protection keeps', async () => {
    const database = await openDatabase(source.url);
    const told = [];
    for (const id of ['2', '4', '5']) {
      const { goesBy, passes } = await explainRow(database, POLICY, 'Run', id);
      told.push(goesBy ?? passes[0]?.reasons.map(({ why }) => why));
    }
    await database.close();
    expect(told).toEqual([['kept-newest'], 'old', ['too-young']]);
  });
});
