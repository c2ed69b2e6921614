import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import { qualifiedName } from './identifiers.ts';

/**
 * How long a rebuild waits for transactions that use the table. Nobody waits behind it, unlike behind a lock that keeps others
 * out; a transaction that was forgotten must not hold it for ever.
 */
const WAIT = '60s';
/** How long removing what an interrupted rebuild left may take, in milliseconds. */
const CLEANUP_MILLIS = 10_000;

interface Index {
  readonly schema: string;
  readonly name: string;
}

/**
 * Rebuilds the indexes of a table while others read and write, smallest first, so that the next one has more room on the
 * disk. Removes before what an interrupted rebuild left.
 */
export async function reindexTable(db: Kysely<unknown>, table: TableName): Promise<void> {
  const until = await readDeadline(db);
  await limit(db, until);
  await dropLeftovers(db, table);
  try {
    for (const { schema, name } of await listIndexes(db, table)) {
      await limit(db, until);
      await sql`reindex index concurrently ${sql.id(schema, name)}`.execute(db);
    }
  } catch (error) {
    // If that fails too, the next rebuild removes it.
    await limit(db, performance.now() + CLEANUP_MILLIS)
      .then(async () => dropLeftovers(db, table))
      .catch(() => undefined);
    throw error;
  }
}

/** When the session's limit for one statement is over for all of them together; Infinity if it has none. */
async function readDeadline(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{ millis: number }>`
    select setting::float8 as millis from pg_settings where name = 'statement_timeout'`.execute(db);
  const { millis = 0 } = rows[0] ?? {};
  return millis === 0 ? Infinity : performance.now() + millis;
}

async function limit(db: Kysely<unknown>, until: number): Promise<void> {
  const left = until === Infinity ? 0 : Math.max(1, Math.round(until - performance.now()));
  await sql`
    select
      set_config('lock_timeout', ${WAIT}, false),
      set_config('statement_timeout', ${`${left}ms`}, false)`.execute(db);
}

/** The server rebuilds all but the indexes of exclusion constraints beside others. */
async function listIndexes(db: Kysely<unknown>, table: TableName): Promise<readonly Index[]> {
  return findIndexes(db, table, sql`i.indisvalid and not i.indisexclusion`);
}

/**
 * An interrupted `reindex concurrently` leaves an invalid index: the new one, `_ccnew`, or the old one, `_ccold`, and a number
 * if there were more. See "Rebuilding Indexes Concurrently" in the manual. An invalid index of another name, or of other columns
 * than the index it is named after, may be one that somebody just builds.
 */
async function dropLeftovers(db: Kysely<unknown>, table: TableName): Promise<void> {
  const leftovers = await findIndexes(
    db,
    table,
    sql`
      not i.indisvalid
      and c.relname ~ '_cc(new|old)[0-9]*$'
      and exists (
        select
        from pg_index as whole
        join pg_class as b on b.oid = whole.indexrelid
        where
          whole.indrelid = i.indrelid and whole.indisvalid and whole.indkey = i.indkey
          -- The server cuts long names off to have room for the mark.
          and starts_with(b.relname, regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '')))`,
  );
  for (const { schema, name } of leftovers) {
    await sql`drop index concurrently if exists ${sql.id(schema, name)}`.execute(db);
  }
}

/** The indexes of a table for which a condition over `pg_index as i` and `pg_class as c` is true, smallest first. */
async function findIndexes(
  db: Kysely<unknown>,
  table: TableName,
  which: RawBuilder<unknown>,
): Promise<readonly Index[]> {
  const { rows } = await sql<Index>`
    select n.nspname as schema, c.relname as name
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_namespace as n on n.oid = c.relnamespace
    where i.indrelid = to_regclass(${qualifiedName(table)}) and ${which}
    order by pg_relation_size(i.indexrelid), c.relname`.execute(db);
  return rows;
}
