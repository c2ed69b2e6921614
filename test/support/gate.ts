import type { TestDatabase } from './database.ts';
import { waitFor } from './wait.ts';

/** A statement that deletes is stopped in its middle by it, before one row. */
export interface Gate {
  /** Waits until a statement is there. */
  reached(): Promise<void>;
  /** Lets it go on. */
  open(): Promise<void>;
}

/** Deletes of a table stop before the row with an id, without a lock, until the gate is opened. */
export async function closeGate(database: TestDatabase, table: string, id: number): Promise<Gate> {
  await database.rows(`
    create table gate (open boolean);
    create function pass_gate() returns trigger language plpgsql as $$
    begin
      while old.id = ${id} and not exists (select from gate) loop perform pg_sleep(0.01); end loop;
      return old;
    end $$;
    create trigger gate before delete on ${table} for each row execute function pass_gate()`);
  const there = `select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
  return {
    async reached(): Promise<void> {
      await waitFor('a delete to be at the gate', async () => (await database.value(there)) === 1);
    },
    async open(): Promise<void> {
      await database.rows('insert into gate values (true)');
    },
  };
}
