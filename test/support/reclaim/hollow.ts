import { Client } from 'pg';

import type { Policy } from '../../../policy/policy.ts';
import type { ReclaimSpaceOptions } from '../../../policy/reclaim-space.ts';
import { reclaimSpace } from '../../../policy/reclaim-space.ts';
import type { TestDatabase } from '../database.ts';
import { createItems, expiring, Item, Owner, makePolicy } from '../items.ts';
import { waitFor } from '../wait.ts';

// Tables with enough pages to see space come back: about 15 items a page.

/** Items of which a part is old: the last ones, so that the end of the table is empty without them, or every second. */
export async function createHollow(
  old: 'at the end' | 'every second',
  items = 12_000,
): Promise<TestDatabase> {
  const database = await createItems();
  const isOld = old === 'at the end' ? `n > ${items / 3}` : 'n % 2 = 0';
  await inStatistics(
    database,
    `
    -- What comes back must be of the vacuum, and not of the server's own.
    alter table item set (autovacuum_enabled = off);
    alter table owner set (autovacuum_enabled = off);
    insert into owner select n, repeat('o', 500) from generate_series(1, 600) as n;
    insert into item
    select n, null, repeat('x', 500), case when ${isOld} then now() - interval '9 days' else now() end
    from generate_series(1, ${items}) as n`,
    'analyze',
  );
  return database;
}

/** A policy that deletes old items and gives their space back. */
export function reclaiming(options: Partial<ReclaimSpaceOptions> = {}): Policy {
  const policy = makePolicy(expiring(), reclaimSpace({ name: 'reclaim', ...options }));
  return { ...policy, limits: { ...policy.limits, maxPercent: 100 } };
}

/** Both tables, whatever the run deleted. */
export const BOTH = { entities: [Item, Owner] } as const;

/** Runs statements one after the other; the server's statistics have each before the next begins. */
export async function inStatistics(database: TestDatabase, ...statements: string[]): Promise<void> {
  const client = new Client(database.url);
  await client.connect();
  for (const statement of statements) {
    await client.query(statement);
    await client.query('select pg_stat_force_next_flush()');
  }
  await client.end();
}

/** The size of a table with indexes and TOAST. */
export async function readTableSize(database: TestDatabase, table: string): Promise<number> {
  return database.value('select pg_total_relation_size($1::regclass)::float8', [table]);
}

/** The journal of statements: `started` and how each ended, in order. */
export async function readJournal(database: TestDatabase): Promise<string[]> {
  const rows = await database.rows<{ text: string }>(
    `select concat_ws(' ', mode, label, event, outcome) as text from vacuum.reclaim order by id`,
  );
  return rows.map(({ text }) => text);
}

/** Makes each vacuum that begins from now on rest after every few pages, so long that it can be met in the middle. */
export async function slowDown(database: TestDatabase, millisPerPage: number): Promise<void> {
  await database.rows(`
    alter database ${database.name} set vacuum_cost_delay = '${millisPerPage}ms';
    alter database ${database.name} set vacuum_cost_limit = 1`);
}

export async function speedUp(database: TestDatabase): Promise<void> {
  await database.rows(`alter database ${database.name} reset vacuum_cost_delay`);
}

/** Waits until the server is in the middle of a vacuum; the process that does it. */
export async function untilVacuuming(database: TestDatabase, table: string): Promise<number> {
  return waitFor(`a vacuum of ${table}`, async () =>
    database.value<number | undefined>(
      `select pid from pg_stat_progress_vacuum where datname = current_database() and relid = $1::regclass`,
      [table],
    ),
  );
}

const GATE_KEY = 4711;

/** A gate in the middle of each rewrite of `item`: closed, the rewrite stands still until the gate is opened. */
export async function createGate(database: TestDatabase): Promise<void> {
  // An index whose expression is computed for each row. A failed try waits for no lock, so that no lock timeout ends it.
  await database.rows(`
    create function gate(n integer) returns integer language plpgsql immutable as $$
    begin
      while not pg_try_advisory_lock_shared(${GATE_KEY}) loop perform pg_sleep(0.02); end loop;
      perform pg_advisory_unlock_shared(${GATE_KEY});
      return n;
    end $$;
    create index item_gate on item (gate(id))`);
}

/** Closes the gate. Returns what opens it. */
export async function closeGate(database: TestDatabase): Promise<() => Promise<void>> {
  const client = new Client(database.url);
  await client.connect();
  await client.query(`select pg_advisory_lock(${GATE_KEY})`);
  return async () => client.end();
}

/** Waits until the server stands before the gate, in the middle of a rewrite; the process that does it. */
export async function untilRewriting(database: TestDatabase): Promise<number> {
  return waitFor('a rewrite of item', async () =>
    database.value<number | undefined>(
      `select pid from pg_stat_progress_cluster
       where datname = current_database() and relid = 'item'::regclass and phase = 'rebuilding index'`,
    ),
  );
}

/** Waits until the server stands before the gate, in the middle of a rebuild beside others; the process that does it. */
export async function untilRebuilding(database: TestDatabase): Promise<number> {
  return waitFor('a rebuild of item_gate', async () =>
    database.value<number | undefined>(
      `select pid from pg_stat_progress_create_index
       where datname = current_database() and relid = 'item'::regclass and phase like 'building index%'
         and index_relid = to_regclass('item_gate_ccnew')`,
    ),
  );
}
