import { afterAll, afterEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { TestDatabase } from '../../support/database.ts';
import { Item } from '../../support/items.ts';
import { describeNeeding } from '../../support/needing.ts';
import {
  closeGate,
  createGate,
  createHollow,
  readJournal,
  reclaiming,
  untilRebuilding,
} from '../../support/reclaim/hollow.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

describeNeeding(['temporal'], 'reclaimSpace by reindex', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const REINDEX = { mode: 'reindex', entities: [Item] } as const;
  const readSize = async (what: 'indexes' | 'table'): Promise<number> =>
    database.value(`select pg_${what}_size('item')::float8`);
  const listIndexes = async (): Promise<string[]> => {
    const rows = await database.rows<{ name: string }>(
      `select indexrelid::regclass::text as name from pg_index where indrelid = 'item'::regclass order by 1`,
    );
    return rows.map(({ name }) => name);
  };

  test('gives back what deleted rows left in indexes, which a vacuum keeps, and leaves the table', async () => {
    database = await createHollow('at the end');
    await database.rows('create index item_at on item (at, id)');
    await vacuum(session, database, [reclaiming()]);
    const [indexes, table] = [await readSize('indexes'), await readSize('table')];
    const report = await vacuum(session, database, [reclaiming(REINDEX)]);
    const after = await readSize('indexes');
    expect(after).toBeLessThan(0.6 * indexes);
    expect(report.passes[1]).toMatchObject({ status: 'completed', bytes: indexes - after });
    expect(await readSize('table')).toBe(table);
    expect((await readJournal(database)).slice(-2)).toEqual([
      'reindex item started',
      'reindex item ended done',
    ]);
    expect(await database.value('select count(*) from item')).toBe(4_000);
    expect(await listIndexes()).toEqual(['item_at', 'item_pkey']);
  });

  test('removes what an interrupted rebuild left, and no other index; leaves one that cannot be rebuilt beside others', async () => {
    database = await createHollow('at the end', 300);
    await database.rows('create index item_state on item (state)');
    // Built in vain, they stay as invalid indexes. The last two are not named after an index of their column.
    for (const name of ['item_state_ccnew', 'item_state_ccold1', 'item_mine', 'item_pkey_ccnew']) {
      await expect(database.rows(`create unique index concurrently ${name} on item (state)`)).rejects.toThrow(
        'could not create unique index',
      );
    }
    await database.rows('alter table item add constraint item_apart exclude using btree (id with =)');
    const report = await vacuum(session, database, [reclaiming(REINDEX)]);
    expect(report.passes[1]).toMatchObject({ status: 'completed' });
    expect(await listIndexes()).toEqual([
      'item_apart',
      'item_mine',
      'item_pkey',
      'item_pkey_ccnew',
      'item_state',
    ]);
  });

  /** Runs the policy, and does something while the server stands in the middle of the rebuild of an index. */
  async function whileRebuilding(
    work: (handle: WorkflowHandle, pid: number) => Promise<void>,
  ): Promise<void> {
    database = await createHollow('at the end', 300);
    await createGate(database);
    const openGate = await closeGate(database);
    const taskQueue = session.queue();
    const policies = [reclaiming(REINDEX)];
    try {
      await session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
        const handle = await session.start(taskQueue);
        await work(handle, await untilRebuilding(database));
        await openGate();
        await handle.result();
      });
    } finally {
      await openGate();
    }
    expect(await listIndexes()).toEqual(['item_gate', 'item_pkey']);
    expect(
      await database.value(
        `select count(*) from pg_index where indrelid = 'item'::regclass and not indisvalid`,
      ),
    ).toBe(0);
  }

  test('a stop ends the rebuild, and leaves the old index alone', async () => {
    await whileRebuilding(async (handle) => {
      await handle.signal('stop', 'the machine is needed');
      expect(await handle.result()).toMatchObject({ status: 'stopped' });
    });
    expect(await readJournal(database)).toEqual(['reindex item started', 'reindex item ended cancelled']);
  });

  test('a session that was lost in the middle is followed by one that removes what it left', async () => {
    await whileRebuilding(async (_handle, pid) => {
      await database.rows('select pg_terminate_backend($1)', [pid]);
    });
    expect(await readJournal(database)).toEqual([
      'reindex item started',
      'reindex item ended interrupted',
      'reindex item started',
      'reindex item ended done',
    ]);
  });
});
