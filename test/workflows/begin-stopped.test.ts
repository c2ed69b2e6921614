import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { Client } from 'pg';

import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { makeThings, thingPolicy, THINGS } from '../support/guarded.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal'], 'a run that is looking at its tables', () => {
  const session = new TemporalSession();
  let things: TestDatabase;
  let owner: Client;

  beforeEach(async () => {
    things = await createDatabase(await makeThings());
    owner = new Client(things.url);
    await owner.connect();
  });
  afterEach(async () => {
    await owner.end();
    await things.drop();
  });
  afterAll(async () => session.close());

  /** Starts a run that waits for a table that somebody alters. */
  async function whileItWaits(work: (handle: WorkflowHandle) => Promise<void>): Promise<void> {
    const taskQueue = session.queue();
    await session.withVacuum({ taskQueue, url: things.url, policies: [thingPolicy()] }, async () => {
      await owner.query('begin');
      await owner.query('lock table thing in access exclusive mode');
      const handle = await session.start(taskQueue);
      await waitFor('it to wait for the table', async () => {
        const { rows } = await owner.query<{ waits: boolean }>(
          `select exists (select from pg_locks where relation = 'thing'::regclass and not granted) as waits`,
        );
        return rows[0]?.waits === true;
      });
      await work(handle);
      await owner.query('rollback');
    });
  }

  async function expectNothingBegun(): Promise<void> {
    // The first run that fits its database makes the ledger.
    expect(await things.value(`select to_regclass('vacuum.run')`)).toBeNull();
    expect(await things.value('select count(*) from thing')).toBe(THINGS);
  }

  test('ends when it is stopped', async () => {
    await whileItWaits(async (handle) => {
      await handle.signal('stop', 'not now');
      expect(await handle.result()).toMatchObject({
        run: null,
        policy: 'things',
        status: 'stopped',
        reasons: ['stopped: not now'],
      });
    });
    await expectNothingBegun();
  });

  test('ends when it is cancelled', async () => {
    await whileItWaits(async (handle) => {
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/cancell?ed/) },
      });
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    });
    await expectNothingBegun();
  });

  test('is paused and resumed before it noticed, and begins', async () => {
    await whileItWaits(async (handle) => {
      await handle.signal('pause');
      await handle.signal('resume');
      await owner.query('rollback');
      expect(await handle.result()).toMatchObject({ status: 'completed', run: 1 });
    });
    expect(await things.value('select count(*) from thing')).toBeLessThan(THINGS);
  });

  test('is paused, and begins once it is resumed', async () => {
    await whileItWaits(async (handle) => {
      await handle.signal('pause', 'let the table be altered');
      await waitFor('it to be paused', async () => {
        const { state, reason } = await handle.query<{ state: string; reason: string }>('progress');
        return state === 'paused' && reason === 'let the table be altered';
      });
      await owner.query('rollback');
      await handle.signal('resume');
      expect(await handle.result()).toMatchObject({ status: 'completed', rows: expect.any(Number) });
    });
    expect(await things.value('select count(*) from thing')).toBeLessThan(THINGS);
  });
});
