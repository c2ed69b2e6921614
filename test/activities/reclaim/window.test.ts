import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../activities/database/database.ts';
import { openDatabase } from '../../../activities/database/database.ts';
import { MODES } from '../../../activities/reclaim/modes.ts';
import { reclaimTable } from '../../../activities/reclaim/reclaim-table.ts';
import { millisLeft } from '../../../activities/reclaim/window.ts';
import { parseTimeWindow } from '../../../policy/time-window.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createHollow, journalOf } from '../../support/reclaim/hollow.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the hours of a pass', () => {
  let database: TestDatabase;
  let opened: Database;
  beforeAll(async () => {
    database = await createHollow('at the end', 300);
    opened = await openDatabase(database.url);
  });
  afterAll(async () => {
    await opened.close();
    await database.drop();
  });

  const left = async (said: string, timezone: string, at: string): Promise<number> => {
    const window = parseTimeWindow(said);
    if (window === undefined) throw new Error(`${said} is none`);
    return millisLeft(opened.db, { ...window, timezone, said }, at);
  };

  test.each([
    ['01:00-05:00', 'UTC', '2026-03-10T00:59:59.999Z', 0],
    ['01:00-05:00', 'UTC', '2026-03-10T01:00:00Z', 4 * HOUR],
    ['01:00-05:00', 'UTC', '2026-03-10T04:59:59Z', 1000],
    ['01:00-05:00', 'UTC', '2026-03-10T05:00:00Z', 0],
    ['01:00-05:00', 'Asia/Bangkok', '2026-03-09T18:00:00Z', 4 * HOUR],
    ['01:00-05:00', 'Asia/Bangkok', '2026-03-10T01:00:00Z', 0],
    ['22:00-04:00', 'UTC', '2026-03-10T22:00:00Z', 6 * HOUR],
    ['22:00-04:00', 'UTC', '2026-03-11T03:59:00Z', MINUTE],
    ['22:00-04:00', 'UTC', '2026-03-11T04:00:00Z', 0],
    ['00:00-24:00', 'UTC', '2026-03-10T23:59:00Z', MINUTE],
    // The clock goes from 2 to 3: the hours from 1 to 5 are three.
    ['01:00-05:00', 'Europe/Berlin', '2026-03-29T00:00:00Z', 3 * HOUR],
  ])('%s %s at %s: %i ms are left', async (said, timezone, at, millis) => {
    expect(await left(said, timezone, at)).toBe(millis);
  });

  test('end a statement that is still at work', async () => {
    const holder = await database.pool.connect();
    await holder.query('begin; lock table item in share mode');
    await opened.ledger.migrate();
    await database.rows(`
      insert into vacuum.run (policy, mode, state, workflow_id, first_run_id, temporal, settings)
      values ('p', 'execute', 'running', 'w', 'w', 't', '{}')`);
    const minutes = await database.value(
      `select (extract(epoch from (now() at time zone 'UTC')::time) / 60)::float8`,
    );
    const table = { schema: 'public', name: 'item', label: 'item' };
    const reclaimed = await reclaimTable(
      opened,
      {
        key: { run: 1, pass: 0, table, mode: 'full' },
        mode: MODES.full,
        // Half a second of it is left; the lock would be waited for longer.
        window: { from: minutes - 60, until: minutes + 0.5 / 60, timezone: 'UTC', said: '01:00-02:00' },
        lockMillis: 60_000,
        retries: 0,
      },
      new AbortController().signal,
    );
    await holder.query('rollback');
    holder.release();
    expect(reclaimed.notes[0]?.what).toContain('between 01:00-02:00 ended before it was done');
    expect(reclaimed.bytes).toBe(0);
    await opened.db.transaction().execute(async (tx) => reclaimed.keep(tx));
    expect(await journalOf(database)).toEqual(['full item started', 'full item ended closed']);
  });
});
