import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { reclaimTable } from '../../../activities/steps/reclaim-table.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createHollow, readJournal } from '../../support/reclaim/hollow.ts';

const DAY_MINUTES = 24 * 60;

describe('the window of a pass', () => {
  let database: TestDatabase;
  let opened: Database;
  beforeAll(async () => {
    database = await createHollow('at the end', 300);
    opened = await openDatabase(database.url);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await opened.close();
    await database.drop();
  });

  test('ends a statement that is still at work', async () => {
    const holder = await database.pool.connect();
    await holder.query('begin; lock table item in share mode');
    await opened.ledger.migrate();
    await database.rows(`
      insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings)
      values ('p', 'execute', 'running', 'w', 'w', 't', '{}')`);
    // The worker's clock is half a second before a full minute, where the window closes.
    const now = Date.now;
    const closes = Math.ceil(now() / 60_000);
    const ahead = closes * 60_000 - 500 - now();
    jest.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
    const to = closes % DAY_MINUTES;
    const from = (to + DAY_MINUTES - 60) % DAY_MINUTES;
    const table = { schema: 'public', name: 'item', label: 'item' };
    const { session } = opened;
    if (session.reclaim === undefined) throw new Error('space cannot be reclaimed');
    const reclaimed = await reclaimTable(
      session,
      session.reclaim,
      { run: 1, pass: 0, table, mode: 'full' },
      {
        // The lock would be waited for longer.
        window: { from, to, timezone: 'UTC' },
        lockMillis: 60_000,
        retries: 0,
      },
      new AbortController().signal,
    );
    await holder.query('rollback');
    holder.release();
    expect(reclaimed.notes[0]?.what).toMatch(/its window \d\d:\d\d-\d\d:\d\d UTC ended before it was done/);
    expect(reclaimed.bytes).toBe(0);
    await session.transaction({ lockMillis: 0, statementMillis: 0 }, async (tx) => reclaimed.record?.(tx));
    expect(await readJournal(database)).toEqual(['full item started', 'full item ended closed']);
  });
});
