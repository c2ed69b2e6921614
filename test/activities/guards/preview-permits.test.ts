import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { VacuumInput } from '../../../activities/contract.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { lostNotes, makeThings, oldThings, thingPolicy } from '../../support/guarded.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

// What somebody looked at is a number: what a preview permits ends near it.
describeNeeding(['temporal'], 'a preview permits', () => {
  const session = new TemporalSession();
  let template: string;
  let things: TestDatabase;

  beforeAll(async () => {
    template = await makeThings();
  });
  beforeEach(async () => {
    things = await createDatabase(template);
  });
  afterEach(async () => things.drop());
  afterAll(async () => session.close());

  /** How a run ended: with so many rows of `thing` deleted, or with what a guard said. */
  async function run(policy: Policy, input: VacuumInput = {}): Promise<string> {
    try {
      const { deleted } = await vacuum(session, things, [policy], input);
      return `deleted ${deleted['thing'] ?? 0}`;
    } catch (error) {
      return ((error as Error).cause as Error).message;
    }
  }
  const preview = async (policy: Policy): Promise<unknown> => run(policy, { mode: 'preview' });
  const policy = thingPolicy();

  /** Makes so many things old and all others new. */
  async function age(rows: number): Promise<void> {
    await things.rows(
      `update thing set at = now() - case when id <= $1 then interval '40 days' else interval '0' end`,
      [rows],
    );
  }

  test('half as many rows again as it showed, and not one more', async () => {
    await age(800);
    await preview(policy);
    await age(1201);
    const stopped = await run(policy);
    expect(stopped).toContain('1,201 of 1,500 rows');
    expect(stopped).toMatch(/the preview of \S+ showed 800 by pass old-things, which permits 1,200/);
    expect(await things.value('select count(*)::int from thing')).toBe(1500);
    await age(1200);
    expect(await run(policy)).toBe('deleted 1200');
  });

  test('nothing of what it did not show, as after ages went wrong behind it', async () => {
    await age(0);
    await preview(policy);
    await age(1400);
    expect(await run(policy)).toContain('showed 0 by pass old-things, which permits 0');
    await preview(policy);
    expect(await run(policy)).toBe('deleted 1400');
  });

  test('no other table, such as one that a foreign key deletes along', async () => {
    await age(300);
    await preview(policy);
    await things.rows('insert into bolt select n, 85 from generate_series(1, 2000) as n');
    const stopped = await run(policy);
    expect(stopped).toContain('2,000 of 2,000 rows, by pass old-things');
    expect(stopped).toContain('showed 0 by pass old-things');
    expect(await things.value('select count(*)::int from bolt')).toBe(2000);
  });

  test('no other pass over the same table', async () => {
    const both = thingPolicy({
      passes: [
        oldThings({ where: { state: 'busy' } }),
        oldThings({ name: 'done-things', where: { state: 'done' } }),
      ],
    });
    await age(1500);
    await run(both, { mode: 'preview', passes: ['old-things'] });
    expect(await run(both)).toContain('limit maxPercent 50');
    await preview(both);
    expect(await run(both)).toBe('deleted 1500');
  });

  test('growth beyond what is usual, up to about what it showed', async () => {
    const growing = thingPolicy({ limits: { maxPercent: 100, smallTable: 0 } });
    await age(5);
    expect(await run(growing)).toBe('deleted 5');
    await age(80);
    await preview(growing);
    await age(140);
    expect(await run(growing)).toMatch(
      /limit maxGrowth 10.* showed 75 by pass old-things, which permits 113/,
    );
    await age(118);
    expect(await run(growing)).toBe('deleted 113');
  });

  test('a run over a table without newer rows, once somebody looked at it', async () => {
    const quiet = thingPolicy({
      passes: [oldThings(), lostNotes()],
      limits: { maxPercent: 100, maxGrowth: Infinity },
    });
    await age(1500);
    await things.rows('update note set thing_id = 9999 where id <= 30');
    const stopped = await run(quiet);
    expect(stopped).toContain('no row of entity Thing is newer than');
    expect(stopped).toContain('nothing was deleted');
    expect(stopped).toContain('look at it with `temporal-vacuum preview things`');
    await preview(quiet);
    expect(await run(quiet)).toBe('deleted 1500');
  });

  test('and a pass that allows it needs none, every night, while the others stay guarded', async () => {
    await age(1500);
    const limits = { maxPercent: 100, maxGrowth: Infinity };
    const other = oldThings({ name: 'other-things', where: { state: 'other' } });
    expect(await run(thingPolicy({ passes: [oldThings({ allowNewest: true }), other], limits }))).toBe(
      'deleted 1500',
    );
    await things.rows(`insert into thing select n, 'done', now() - interval '50 days'
      from generate_series(5000, 7000) as n`);
    await things.rows("update vacuum.guard set tables = '{}'");
    expect(await run(thingPolicy({ limits }))).toContain('limit allowNewest');
  });
});
