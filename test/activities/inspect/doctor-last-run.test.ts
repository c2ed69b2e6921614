import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineLastRun } from '../../../activities/inspect/doctor.ts';
import type { Finding } from '../../../activities/inspect/finding.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';

const Job = defineEntity({
  name: 'Job',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const policy = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Job],
  passes: [expireRows({ name: 'old', entity: Job, age: 'at', olderThan: '1 day' })],
});

describe.each(DIALECTS)('how long ago a run completed, on %s', (dialect, open) => {
  const runs = dialect === 'SQLite' ? 'vacuum_run' : 'vacuum.run';
  let database: EitherDatabase;
  beforeEach(async () => {
    database = await open(`
      create table job (id integer primary key, at timestamp with time zone);
      insert into job values (1, ${daysAgo(3)})`);
  });
  afterEach(async () => database.drop());

  const examine = async (): Promise<Finding[]> => {
    const opened = await openDatabase(database.url);
    try {
      await opened.ledger.migrate();
      return await examineLastRun(opened, policy);
    } finally {
      await opened.close();
    }
  };

  test('is told by doctor, with the end of the last run if that did not complete', async () => {
    expect(await examine()).toEqual([{ about: 'last run', state: 'ok', what: 'none has ended yet' }]);
    await runEngine(database.url, policy);
    expect(await examine()).toEqual([
      { about: 'last run', state: 'ok', what: expect.stringMatching(/^run 1 completed .+ ago$/) },
    ]);
    await runEngine(database.url, policy);
    await database.execute(`update ${runs} set status = 'stopped-by-guard' where id = 2`);
    expect(await examine()).toEqual([
      {
        about: 'last run',
        state: 'advice',
        what: expect.stringMatching(
          /^run 2 was stopped by a guard .+ ago; of those before, run 1 completed .+ ago$/,
        ),
        fix: '`temporal-vacuum history 2` says why',
      },
    ]);
    await database.execute(`update ${runs} set status = 'failed' where id = 1`);
    const [finding] = await examine();
    expect(finding?.what).toMatch(/^run 2 was stopped by a guard .+ ago; none has completed$/);
    // A preview says nothing about runs that delete.
    await database.execute(`update ${runs} set mode = 'preview' where id = 2`);
    expect((await examine())[0]?.what).toMatch(/^run 1 failed .+ ago; none has completed$/);
  });
});
