import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { columnOf, comparedAs, hasOneText } from './names.ts';
import type { Predicate } from './predicate.ts';
import { bindPredicate } from './predicate.ts';

/** A table that has rows that nobody may delete: some by key, or those that a condition names. */
export interface HeldRows {
  readonly schema: string;
  readonly name: string;
  /** The table that the hold names, where the rows are in a partition of it. */
  readonly of: { readonly schema: string; readonly name: string };
  /** The primary key; null where a condition names the rows. */
  readonly key: ColumnName | null;
  readonly condition: Predicate | null;
}

/** The holds in force, and where the keys stand. Empty most of the time: then nothing is looked at. */
export interface Holds {
  readonly rows: readonly HeldRows[];
  /** The ledger's table of holds. */
  readonly table: RawBuilder<unknown>;
  /** They are those that will be in force from this instant on, ISO 8601, of the holds that there are; left out for now. */
  readonly from?: string;
}

/** The holds in force, now or at a later instant, as a JSON array of {@link HeldRows}; for use inside a statement. */
export function heldRows(table: RawBuilder<unknown>, from?: string): RawBuilder<readonly HeldRows[]> {
  return sql`(
    select coalesce(
      jsonb_agg(jsonb_build_object(
        'schema', p.schema,
        'name', p.name,
        'of', jsonb_build_object('schema', h.schema, 'name', h.name),
        'key', case when h.key_column is not null then jsonb_build_object('name', h.key_column, 'type', h.key_type) end,
        'condition', h.condition)),
      '[]')
    from (
      select distinct h.schema, h.name, h.key_column, h.key_type, h.condition
      from ${table} as h
      where ${isInForce(from)}
    ) as h
    -- A cascade goes to each partition, where the rows are.
    cross join lateral (
      select h.schema, h.name
      union
      select n.nspname::text, c.relname::text
      from pg_class as named
      join pg_namespace as own on own.oid = named.relnamespace
      cross join lateral pg_partition_tree(named.oid) as tree
      join pg_class as c on c.oid = tree.relid
      join pg_namespace as n on n.oid = c.relnamespace
      where own.nspname = h.schema and named.relname = h.name and named.relkind = 'p'
    ) as p
  )`;
}

/** Over alias `t` of a table: a hold names the row. Undefined where no hold is about the table. */
export function isHeld({ rows, table, from }: Holds, own: TableName): RawBuilder<boolean> | undefined {
  const checks = rows
    .filter((held) => isAbout(held, own))
    .map(({ key, condition, of }) => {
      if (condition !== null) return sql`${bindPredicate(condition)} is true`;
      if (key === null) return sql`false`;
      // A count, and not `exists`: that the planner may answer from a hash of all holds, made anew in each batch.
      return sql`(
        select count(*)
        from ${table} as h
        where ${isNamed(key, of)} and ${isInForce(from)}
      ) > 0`;
    });
  return checks.length === 0 ? undefined : sql<boolean>`(${sql.join(checks, sql` or `)})`;
}

/** Over alias `t` of a table and `h` of the holds: the key of a hold on the table is the row's. */
function isNamed(key: ColumnName, of: HeldRows['of']): RawBuilder<boolean> {
  const mine = sql`h.schema = ${of.schema} and h.name = ${of.name}`;
  const text = sql`${columnOf('t', key)}::text`;
  if (hasOneText(key.type)) return sql`${mine} and h.key = ${text}`;
  // Holds on other tables may have keys that cannot be cast.
  const [held, own] = [comparedAs(sql`h.key`, key.type), comparedAs(text, key.type)];
  return sql`case when ${mine} then ${held} = ${own} else false end`;
}

/**
 * Whether rows must be locked before they are judged: a hold is about what goes along with them, or has a select of its
 * own. A statement that waits for a row goes on with what it saw of other rows before. `along`: the tables of what goes
 * along, which may have the rows' own among them.
 */
export function mustLock({ rows }: Holds, own: TableName, along: readonly TableName[]): boolean {
  return rows.some(
    (held) =>
      along.some((table) => isAbout(held, table)) || (isAbout(held, own) && held.condition?.selects === true),
  );
}

function isAbout({ schema, name }: HeldRows, table: TableName): boolean {
  return table.schema === schema && table.name === name;
}

function isInForce(from: string | undefined): RawBuilder<boolean> {
  return sql`(h.until is null or h.until > ${from === undefined ? sql`now()` : sql`${from}::timestamptz`})`;
}
