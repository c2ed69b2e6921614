import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { RoutineText } from '../routine-text.ts';
import { readRoutineText, withJoinedWords } from '../routine-text.ts';
import type { Connection } from './connection.ts';
import { qualifiedName } from './identifiers.ts';

/** A routine that a trigger calls, or a table that it writes. */
export interface ReachedNode extends RoutineText {
  readonly id: string;
  /** It may raise an error. */
  readonly raises: boolean;
  /** The routines and tables that are known by their ids, not by names in a text. */
  readonly routines: readonly string[];
  readonly tables: readonly string[];
  /** The ids of tables whose rows are written with it, itself included; empty for a routine. */
  readonly shares: readonly string[];
  /** A trigger of it fires when the transaction ends. */
  readonly firesLate: boolean;
  /** Null for a routine. */
  readonly table: TableName | null;
}

/** An error of PL/pgSQL: other levels of `raise` only write a message. */
const RAISES = /\braise\b(?!\s+(?:debug|log|info|notice|warning)\b)|\bassert\b/i;
/** Extensions with functions in C that delete rows. */
const DELETING_EXTENSIONS: ReadonlySet<string> = new Set(['refint', 'dblink']);

interface RoutineRow {
  readonly id: string;
  readonly language: string;
  readonly source: string;
  readonly extension: string | null;
}

/**
 * Reads routines. What can be read is PL/pgSQL and SQL; one in another language may do anything, except for those of the server
 * and of its extensions.
 */
export async function readRoutines(connection: Connection, ids: readonly string[]): Promise<ReachedNode[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<RoutineRow>`
    select
      p.oid::text as id,
      l.lanname as language,
      -- Of a body that is no text (begin atomic), what the server makes of it.
      concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid)) as source,
      (select e.extname
        from pg_depend as d
        join pg_extension as e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        limit 1) as extension
    from pg_proc as p
    join pg_language as l on l.oid = p.prolang
    where p.oid = any(${ids}::text[]::oid[])`.execute(connection.db);
  return rows.map((row) => ({ ...readRoutine(row), ...ROUTINE, id: row.id }));
}

const ROUTINE = { routines: [], tables: [], shares: [], firesLate: false, table: null };

function readRoutine({
  language,
  source,
  extension,
}: RoutineRow): RoutineText & { readonly raises: boolean } {
  if (language === 'plpgsql' || language === 'sql')
    return {
      ...readRoutineText(source),
      raises: language === 'plpgsql' && RAISES.test(withJoinedWords(source)),
    };
  const isKnown =
    language === 'internal' ||
    (language === 'c' && extension !== null && !DELETING_EXTENSIONS.has(extension));
  return { deletes: !isKnown, raises: !isKnown, writes: [], calls: [] };
}

interface TableRow {
  readonly id: string;
  readonly schema: string;
  readonly name: string;
  readonly rules: readonly string[];
  readonly routines: readonly string[];
  readonly tables: readonly string[];
  readonly above: readonly string[];
  readonly firesLate: boolean;
}

/**
 * Reads tables and views that are written: what their triggers and rules do, and where else rows are written then: in partitions
 * and heirs, in what a view selects from, and in what a foreign key updates along.
 */
export async function readWrittenTables(
  connection: Connection,
  ids: readonly string[],
): Promise<ReachedNode[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<TableRow>`
    select
      c.oid::text as id,
      s.nspname as schema,
      c.relname as name,
      array(
        select pg_get_ruledef(r.oid)
        from pg_rewrite as r
        where r.ev_class = c.oid and r.ev_type in ('2', '3') and r.ev_enabled in ('O', 'A')
      ) as rules,
      array(select g.tgfoid::text from ${writeTriggers()}) as routines,
      exists (select from ${writeTriggers()} and g.tginitdeferred) as "firesLate",
      array(
        select h.inhrelid::text from pg_inherits as h where h.inhparent = c.oid
        union
        select d.refobjid::text
        from pg_rewrite as r
        join pg_depend as d
          on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
        where r.ev_class = c.oid and r.ev_type = '1' and d.refobjid <> c.oid
        union
        select f.conrelid::text
        from pg_constraint as f
        where f.contype = 'f' and f.confrelid = c.oid and f.confupdtype not in ('a', 'r')
      ) as tables,
      array(
        with recursive above as (
          select h.inhparent from pg_inherits as h where h.inhrelid = c.oid
          union
          select h.inhparent from above as a join pg_inherits as h on h.inhrelid = a.inhparent
        )
        select a.inhparent::text from above as a
      ) as above
    from pg_class as c
    join pg_namespace as s on s.oid = c.relnamespace
    where c.oid = any(${ids}::text[]::oid[])`.execute(connection.db);
  return rows.map(({ id, schema, name, rules, routines, tables, above, firesLate }) => ({
    ...readRoutineText(rules.join('\n')),
    id,
    raises: false,
    routines,
    tables,
    shares: [id, ...above],
    firesLate,
    table: { schema, name, label: qualifiedName({ schema, name }) },
  }));
}

/** The triggers `g` of table `c` that users made and that fire when a row is inserted or updated. */
function writeTriggers(): ReturnType<typeof sql> {
  return sql`pg_trigger as g where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled in ('O', 'A') and g.tgtype::int & 20 <> 0`;
}

/** For each node the ids of routines that its text calls, and of tables that it writes, in one statement. */
export async function findNamed(
  connection: Connection,
  nodes: readonly RoutineText[],
): Promise<Pick<ReachedNode, 'routines' | 'tables'>[]> {
  const names = nodes.flatMap(({ calls, writes }, n) => [
    ...calls.map((one) => ({ ...one, n, kind: 'routine' })),
    ...writes.map((one) => ({ ...one, n, kind: 'table' })),
  ]);
  const { rows } =
    names.length === 0
      ? { rows: [] }
      : await sql<{ n: number; kind: string; id: string }>`
          with named as (
            select *
            from unnest(
              ${names.map(({ n }) => n)}::int[],
              ${names.map(({ kind }) => kind)}::text[],
              ${names.map(({ schema }) => schema)}::text[],
              ${names.map(({ name }) => name)}::text[]) as a(n, kind, schema, name)
          )
          select a.n, a.kind, p.oid::text as id
          from named as a
          join pg_proc as p on p.proname = a.name and a.kind = 'routine'
          join pg_namespace as s on s.oid = p.pronamespace
          where s.nspname = coalesce(a.schema, s.nspname) and s.nspname not in ('pg_catalog', 'information_schema')
          union all
          select a.n, a.kind, c.oid::text
          from named as a
          join pg_class as c on c.relname = a.name and a.kind = 'table' and c.relkind in ('r', 'p', 'v', 'f')
          join pg_namespace as s on s.oid = c.relnamespace
          where s.nspname = coalesce(a.schema, s.nspname) and s.nspname not in ('pg_catalog', 'information_schema')`.execute(
          connection.db,
        );
  return nodes.map((_, n) => {
    const own = rows.filter((row) => row.n === n);
    const listIds = (kind: string): string[] => own.filter((row) => row.kind === kind).map(({ id }) => id);
    return { routines: listIds('routine'), tables: listIds('table') };
  });
}
