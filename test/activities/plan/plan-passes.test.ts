import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { Child, createItems, expiring, Item, makePolicy } from '../../support/items.ts';
import { runAsPreviewed } from '../../support/truth.ts';

describe('a pass for a table that the database has not', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createItems();
    await database.rows(`insert into item (id, at) values (1, now() - interval '2 days'), (2, now())`);
  });
  afterEach(async () => database.drop());

  const lost = deleteOrphans({ name: 'lost', entity: Child, by: 'itemId', parent: Item, age: 'at' });

  test('is not applicable where it is optional, and the others run', async () => {
    const policy = makePolicy({ ...lost, optional: true }, expiring());
    expect(await runAsPreviewed(database.url, policy)).toEqual({ lost: {}, old: { item: 1 } });
    expect(await database.rows('select name, status, scan from vacuum.pass order by ordinal')).toEqual([
      { name: 'lost', status: 'not-applicable', scan: null },
      { name: 'old', status: 'completed', scan: 'by-location' },
    ]);
  });

  test('refuses the run where it is not', async () => {
    await expect(runEngine(database.url, makePolicy(lost, expiring()))).rejects.toThrow(
      'entity Child has no table in this database',
    );
    expect(await database.value('select count(*) from item')).toBe(2);
  });

  test('that is optional refuses it for other mistakes', async () => {
    await database.rows('create table child (id integer primary key, at timestamptz)');
    await expect(runEngine(database.url, makePolicy({ ...lost, optional: true }))).rejects.toThrow(
      'property Child.itemId has no column in this database',
    );
  });
});
