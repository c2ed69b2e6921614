import { setTimeout as sleep } from 'node:timers/promises';

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { HeldRows, Holds } from '../sql/holds.ts';
import { heldRows } from '../sql/holds.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { qualifiedName } from '../sql/names.ts';
import type { Predicate } from '../sql/predicate.ts';
import type { Ledger } from './ledger.ts';

/** A hold as it is listed. */
export interface Hold {
  readonly id: number;
  /** The entity that the person named, and its table. */
  readonly entity: string;
  readonly table: string;
  /** The primary key of the row; null where a filter names the rows. */
  readonly key: string | null;
  readonly filter: unknown;
  readonly reason: string;
  readonly who: string;
  /** ISO 8601; null for no end. */
  readonly until: string | null;
  readonly addedAt: string;
  /** Its time has not come yet. */
  readonly inForce: boolean;
}

/** A hold to be added. */
export interface NewHold {
  readonly entity: string;
  readonly table: TableName;
  readonly rows:
    | { readonly key: string; readonly column: ColumnName }
    | { readonly filter: object; readonly condition: Predicate };
  readonly reason: string;
  readonly who: string;
  readonly until: string | null;
}

/** Adds a hold. It works from its commit on, on every batch that begins then: see {@link waitForEarlierBatches}. */
export async function insertHold(ledger: Ledger, hold: NewHold): Promise<number> {
  const { rows } = hold;
  const byKey = 'key' in rows ? rows : undefined;
  const byFilter = 'filter' in rows ? rows : undefined;
  const { rows: added } = await sql<{ id: number }>`
    insert into ${ledger.table('hold')}
      (entity, schema, name, key, key_column, key_type, filter, condition, reason, who, until)
    values (
      ${hold.entity}, ${hold.table.schema}, ${hold.table.name},
      ${byKey?.key ?? null}, ${byKey?.column.name ?? null}, ${byKey?.column.type ?? null},
      ${byFilter === undefined ? null : JSON.stringify(byFilter.filter)}::jsonb,
      ${byFilter === undefined ? null : JSON.stringify(byFilter.condition)}::jsonb,
      ${hold.reason}, ${hold.who}, ${hold.until}::timestamptz)
    returning id`.execute(ledger.db);
  return added[0]?.id ?? 0;
}

/** All holds, the newest first, with those whose time has come. */
export async function listHolds(ledger: Ledger): Promise<Hold[]> {
  const { rows } = await sql<Hold>`
    select
      id, entity, key, filter, reason, who,
      case when pg_table_is_visible(to_regclass(format('%I.%I', schema, name))) then name else schema || '.' || name end
        as "table",
      to_json(until) #>> '{}' as until,
      to_json(added_at) #>> '{}' as "addedAt",
      until is null or until > now() as "inForce"
    from ${ledger.table('hold')}
    order by id desc`.execute(ledger.db);
  return rows;
}

/**
 * Holds in force whose table no longer exists under its name, and that are about a policy: they name one of its
 * entities, or an earlier run of it could delete from the table.
 */
export async function lostHolds(
  ledger: Ledger,
  policy: string,
  entities: readonly string[],
): Promise<Pick<Hold, 'id' | 'entity'>[]> {
  const { rows } = await sql<Pick<Hold, 'id' | 'entity'>>`
    select id, entity
    from ${ledger.table('hold')} as h
    where
      (until is null or until > now())
      and not exists (
        select
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = h.schema and c.relname = h.name
      )
      and (
        entity = any(${entities}::text[])
        or exists (
          select
          from ${ledger.table('pass')} as p
          join ${ledger.table('run')} as r on r.id = p.run_id
          where
            r.policy = ${policy}
            and p.frozen -> 'counted' @> jsonb_build_array(jsonb_build_object('schema', h.schema, 'name', h.name))
        )
      )
    order by id`.execute(ledger.db);
  return rows;
}

/** Removes a hold; false where there is none of this number. */
export async function deleteHold(ledger: Ledger, id: number): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    delete from ${ledger.table('hold')} where id = ${id}::int returning id`.execute(ledger.db);
  return rows.length > 0;
}

/** As if there were no holds, for those who may not look. */
export function noHolds(ledger: Ledger): Holds {
  return { rows: [], table: ledger.table('hold') };
}

/** The holds in force; none where the database has no ledger with holds. Undefined where the role may not look. */
export async function readHolds(db: Kysely<unknown>, ledger: Ledger): Promise<Holds | undefined> {
  const table = ledger.table('hold');
  const { rows: found } = await sql<{ there: boolean; open: boolean }>`
    select
      c.oid is not null as there,
      coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'), true) as open
    from (select 1) as one
    left join pg_namespace as n on n.nspname = ${ledger.schema}
    left join pg_class as c on c.relnamespace = n.oid and c.relname = 'hold'`.execute(db);
  if (found[0]?.there !== true) return noHolds(ledger);
  if (!found[0].open) return undefined;
  const { rows } = await sql<{ held: HeldRows[] }>`select ${heldRows(table)} as held`.execute(db);
  return { rows: rows[0]?.held ?? [], table };
}

const POLL_MILLIS = 20;

/**
 * Waits until no transaction is open that may not know of what was just added. Every batch reads the holds at its
 * begin, and has the table locked from before it reads until its end: those that hold such a lock now are the only ones
 * that can have missed it. New ones are not kept waiting. False where some are still open after the time.
 */
export async function waitForEarlierBatches(ledger: Ledger, millis: number): Promise<boolean> {
  const until = performance.now() + millis;
  const table = qualifiedName({ schema: ledger.schema, name: 'hold' });
  const read = async (): Promise<string[]> => {
    const { rows } = await sql<{ transaction: string }>`
      select distinct l.virtualtransaction as transaction
      from pg_locks as l
      where
        l.locktype = 'relation' and l.relation = to_regclass(${table})::oid and l.pid <> pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())`.execute(ledger.db);
    return rows.map((row) => row.transaction);
  };
  let earlier = await read();
  while (earlier.length > 0 && performance.now() < until) {
    await sleep(POLL_MILLIS);
    const now = new Set(await read());
    earlier = earlier.filter((transaction) => now.has(transaction));
  }
  return earlier.length === 0;
}
