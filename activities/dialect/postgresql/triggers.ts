import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { KeepingTrigger } from '../catalog.ts';
import type { FiringTrigger } from './trigger-effects.ts';

/** Bits of `pg_trigger.tgtype`. */
const BEFORE_EACH_ROW = 3;
const ON_DELETE = 8;
const ON_UPDATE = 16;

/**
 * The triggers `g` of a table that users made and that fire, with their function `p` and its language `l`, for the `from` of a
 * statement: once for each `e."on"` that they fire on. `e.given` is the row that the function gets.
 */
function firingTriggers(table: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    pg_trigger as g
    join pg_proc as p on p.oid = g.tgfoid
    join pg_language as l on l.oid = p.prolang
    join (values ('delete', 'old', ${sql.lit(ON_DELETE)}), ('update', 'new', ${sql.lit(ON_UPDATE)})) as e("on", given, bit)
      on
        g.tgrelid = ${table} and not g.tgisinternal and g.tgenabled in ('O', 'A')
        and g.tgtype::int & e.bit <> 0`;
}

/**
 * The triggers of a table, in a statement, that may keep a row as it is: those before a row that do not always return it.
 * What a function does cannot be known, except for one in PL/pgSQL whose every `return` is `return old` (of a delete) or
 * `return new` (of an update). Most are of that kind, and a pass need not look for rows that they kept.
 */
export function selectKeepingTriggers(table: RawBuilder<unknown>): RawBuilder<readonly KeepingTrigger[]> {
  return sql<readonly KeepingTrigger[]>`(
    select coalesce(json_agg(json_build_object('name', k.name, 'on', k."on", 'columns', k.columns) order by k.name, k."on"), '[]')
    from (
      select
        g.tgname as name,
        e."on",
        case when l.lanname = 'plpgsql' and ${returnsOnly('p.prosrc', 'e.given')} then array(
          select distinct lower(m[1]) from regexp_matches(p.prosrc, '\\mnew\\."?(\\w+)"?\\s*:?=', 'gi') as m
        ) end as columns
      from ${firingTriggers(table)}
      where g.tgtype::int & ${sql.lit(BEFORE_EACH_ROW)} = ${sql.lit(BEFORE_EACH_ROW)}
    ) as k
    where k.columns is null or (k."on" = 'update' and k.columns <> '{}')
  )`;
}

/** The triggers of a table, in a statement, that fire when a row is deleted or updated. */
export function selectFiringTriggers(table: RawBuilder<unknown>): RawBuilder<readonly FiringTrigger[]> {
  return sql<readonly FiringTrigger[]>`(
    select coalesce(json_agg(json_build_object('name', g.tgname, 'on', e."on", 'routine', p.oid::text) order by g.tgname, e."on"), '[]')
    from ${firingTriggers(table)}
  )`;
}

/** The columns of a table, in a statement, that check constraints are about. */
export function selectChecked(table: RawBuilder<unknown>): RawBuilder<readonly string[]> {
  return sql<readonly string[]>`(
    select coalesce(json_agg(distinct a.attname), '[]')
    from pg_constraint as p
    join pg_attribute as a on a.attrelid = p.conrelid and a.attnum = any(p.conkey)
    where p.conrelid = ${table} and p.contype = 'c'
  )`;
}

/** Over the source of a function: it always returns the row that it is given, and never makes another row of it. */
function returnsOnly(source: string, given: string): RawBuilder<boolean> {
  const text = sql.raw(source);
  const row = sql.raw(given);
  const returned = sql`'\\mreturn\\s+(' || ${row} || '|coalesce\\s*\\(\\s*new\\s*,\\s*old\\s*\\))\\s*;'`;
  return sql<boolean>`(
    regexp_replace(${text}, ${returned}, '', 'gi') !~* '\\mreturn\\M'
    and ${text} !~* ('\\m' || ${row} || '\\s*:?=|\\minto\\s+(strict\\s+)?' || ${row} || '\\M')
  )`;
}
