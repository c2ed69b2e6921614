import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { makeThings, Note, oldThings, Thing, thingPolicy } from '../../support/guarded.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

describeNeeding(['temporal'], 'a hold whose table was renamed', () => {
  const session = new TemporalSession();
  let template: string;
  let database: TestDatabase;
  const things = thingPolicy({ entities: [Thing], passes: [oldThings()] });
  const notes = definePolicy({
    name: 'notes',
    enabled: true,
    entities: [Note],
    passes: [oldThings({ name: 'old-notes', entity: Note })],
  });

  beforeAll(async () => {
    template = await makeThings();
  });
  beforeEach(async () => {
    database = await createDatabase(template);
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const hold = async (entity: string, table: string): Promise<unknown> =>
    database.rows(
      `insert into vacuum.hold (entity, schema, name, key, key_column, key_type, reason, who)
       values ($1, 'public', $2, '5', 'id', 'integer', 'audit', 'ann')`,
      [entity, table],
    );
  /** The status of a run, or why guards stopped it. */
  const run = async (policy: Policy): Promise<string> => {
    try {
      return (await vacuum(session, database, [policy])).status;
    } catch (error) {
      return String((error as Error).cause);
    }
  };

  test('stops the policies that name its entity, and no other', async () => {
    expect([await run(things), await run(notes)]).toEqual(['completed', 'completed']);
    await hold('Thing', 'thing_of_before');
    expect([await run(things), await run(notes)]).toEqual([
      expect.stringContaining('the table of Thing'),
      'completed',
    ]);
  });

  test('stops a policy whose earlier runs could delete from the table, by cascade too', async () => {
    expect([await run(things), await run(notes)]).toEqual(['completed', 'completed']);
    // No entity of these policies is called so; rows of `part` go along with those of `thing`.
    await hold('Screw', 'part');
    await database.rows('alter table part rename to component');
    expect([await run(things), await run(notes)]).toEqual([
      expect.stringContaining('the table of Screw'),
      'completed',
    ]);
  });
});
