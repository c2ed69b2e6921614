import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import type { VacuumInput } from '../../../activities/contract.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { LimitOptions } from '../../../policy/limits.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

const Execution = defineEntity({
  name: 'Execution',
  properties: { id: p.integer().primary(), at: p.datetime().nullable() },
});
const range = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

/** Twenty executions, one a day, the newest first, and one without an age. */
const SCHEMA = `
  create table execution (id integer primary key, at timestamp with time zone);
  create index execution_at on execution (at);
  create table note (id integer primary key, execution_id integer not null references execution (id));
  create index note_execution on note (execution_id);
  insert into execution values ${range(20)
    .map((id) => `(${id}, ${daysAgo(id)}), `)
    .join('')}(99, null);`;

function keep(rows: number, limits: LimitOptions = {}): Policy {
  const pass = expireRows({
    name: 'old',
    entity: Execution,
    age: 'at',
    olderThan: null,
    keepAtMost: { rows },
  });
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Execution],
    passes: [pass],
    limits: { smallTable: 0, maxPercent: 50, ...limits },
  });
}

describeNeeding(['temporal'], 'guards apply to keepAtMost', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  describe.each(DIALECTS)('on %s', (_, open) => {
    let database: EitherDatabase;

    beforeEach(async () => {
      database = await open(SCHEMA);
    });
    afterEach(async () => database.drop());

    const run = async (policy: Policy, input: VacuumInput = {}): Promise<LedgerReport> =>
      vacuum(session, database, [policy], input);
    const findGuard = async (policy: Policy): Promise<string> =>
      run(policy).then(
        () => 'no guard stopped it',
        (error: Error) => String(error.cause),
      );

    test('half of the table to the row, and a preview permits more', async () => {
      expect(await findGuard(keep(9))).toMatch(/limit maxPercent 50: 52\.4 %.* 11 of 21 rows, by pass old/);
      expect(await database.ids('execution')).toEqual([...range(20), 99]);
      // The same settings, seen by somebody.
      expect((await run(keep(9), { mode: 'preview' })).deleted).toEqual({ execution: 11 });
      expect(await findGuard(keep(8))).toContain('12 of 21 rows');
      expect(await run(keep(9))).toMatchObject({ status: 'completed', deleted: { execution: 11 } });
      expect(await database.ids('execution')).toEqual([...range(9), 99]);
    });

    test('as much as a policy allows, and only the newest row left', async () => {
      expect(await run(keep(10))).toMatchObject({ status: 'completed', deleted: { execution: 10 } });
      const one = keep(1, { maxPercent: 100 });
      expect(await run(one)).toMatchObject({ status: 'completed', deleted: { execution: 9 } });
      expect(await database.ids('execution')).toEqual([1, 99]);
    });

    test('rows that are held or referenced stay beside the newest, and are not counted against them', async () => {
      await database.execute('insert into note values (1, 15), (2, 3)');
      const policy = keep(7);
      const opened = await openDatabase(database.url);
      const hold = { reason: 'asked', who: 'me', until: null };
      for (const key of ['16', '4'])
        await addHold(opened, policy, { ...hold, entity: 'Execution', rows: { key } });
      await opened.close();
      expect(await findGuard(policy)).toContain('11 of 21 rows');
      const stays = { deleted: { execution: 11 }, held: 1, blocked: 1 };
      expect((await run(policy, { mode: 'preview' })).passes).toMatchObject([stays]);
      expect((await run(policy)).passes).toMatchObject([stays]);
      expect(await database.ids('execution')).toEqual([...range(7), 15, 16, 99]);
      // Without the note nothing but the hold keeps more than the newest seven.
      await database.execute('delete from note');
      const again = await run(keep(7, { maxPercent: 100 }));
      expect(again.passes).toMatchObject([{ deleted: { execution: 1 }, held: 1, blocked: 0 }]);
      expect(await database.ids('execution')).toEqual([...range(7), 16, 99]);
    });
  });
});
