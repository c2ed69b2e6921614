import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { AgeColumn, TableName } from '../../stored/columns.ts';
import { isIn } from '../bind-predicate.ts';
import { toSql } from '../condition.ts';
import type { CountedRows, TableRange, Tables } from '../tables.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { castBound, isFromFirst } from './epoch.ts';
import { ageColumn, ageExpression, newestMillis, oldestMillis } from './expiry.ts';
import { castValue, columnRef, countPagesSql, pageStartSql, relationRef, tableRef } from './identifiers.ts';
import { findPartialIndex } from './partial-index.ts';
import { findPaths, hasUnreadable, isPlain, mayMean, selectRecorded } from './recorded-paths.ts';
import { sampleTable, secondsSince, toFiniteAge } from './sample.ts';
import { tryAndUndo } from './transaction.ts';

/** New rows usually lie at the end of a table: so many of its last pages are read first. */
const LAST_PAGES = 256;

/** Questions about whole tables. */
export function createTables(connection: Connection): Tables {
  return {
    sample: async (table, requests) => sampleTable(connection, table, requests),

    async count(table, where, ages) {
      const oldest = ages === undefined ? sql`null::timestamptz` : sql`min(${ageExpression('t', ages)})`;
      const { rows } = await sql<CountedRows>`
        select count(*)::float8 as rows, ${secondsSince(oldest)} as "oldestSeconds"
        from ${tableRef(table)} as t
        where ${toSql(where)}`.execute(connection.db);
      const { rows: count = 0, oldestSeconds = null } = rows[0] ?? {};
      return { rows: count, oldestSeconds: toFiniteAge(oldestSeconds) };
    },

    async countOldest(table, where, [age], until, entries, index) {
      const { rows } = await sql<CountedRows & { entries: number }>`
        select
          count(*)::float8 as entries,
          count(*) filter (where e.deletable)::float8 as rows,
          ${secondsSince(sql`min(e.age) filter (where e.deletable)`)} as "oldestSeconds"
        from (
          select ${toSql(where)} as deletable, ${ageColumn('t', age)} as age
          from ${tableRef(table)} as t
          where ${isFromFirst(age)} and ${columnRef('t', age)} < ${castBound(until, age)} and ${isIn(index)}
          order by ${columnRef('t', age)}
          limit ${entries}
        ) as e`.execute(connection.db);
      const { rows: count = 0, oldestSeconds = null, entries: read = 0 } = rows[0] ?? {};
      return { rows: count, oldestSeconds: toFiniteAge(oldestSeconds), complete: read < entries };
    },

    findPartialIndex: async (...asked) => findPartialIndex(connection, ...asked),

    async countUpTo(table, most) {
      const limit = Number.isFinite(most) ? sql`limit ${Math.ceil(most)}` : sql``;
      const { rows } = await sql<{ rows: number }>`
        select count(*)::float8 as rows
        from (
          select from ${tableRef(table)}
          ${limit}
        ) as counted`.execute(connection.db);
      return rows[0]?.rows ?? 0;
    },

    async hasRowSince(table, ages, instant, isIndexed) {
      const isNew = sql`${ageExpression('t', ages)} >= ${castValue(instant, ages[0].type)}`;
      if (isIndexed) return isNewestNew(connection, table, ages[0], isNew);
      const from = pageStartSql(sql`greatest(0, ${countPagesSql(table)} - ${LAST_PAGES}::bigint)`);
      const { rows } = await sql<{ found: boolean }>`
        select
          exists (
            select from ${tableRef(table)} as t
            where ${isNew} and t.ctid >= (select ${from})
          ) or exists (
            select from ${tableRef(table)} as t
            where ${isNew}
          ) as found`.execute(connection.db);
      return rows[0]?.found === true;
    },

    async findNthAge(table, where, ages, nth) {
      const [first, ...others] = ages;
      // By the column itself, which an index may have.
      const order =
        others.length === 0 && first.parent === undefined ? columnRef('t', first) : ageExpression('t', ages);
      const { rows } = await sql<{ age: number }>`
        select (1000 * extract(epoch from ${ageExpression('t', ages)}))::float8 as age
        from ${tableRef(table)} as t
        where ${toSql(where)}
        order by ${order} desc
        limit 1 offset ${nth - 1}`.execute(connection.db);
      return rows[0] === undefined ? null : Math.floor(rows[0].age);
    },

    async readRange(table, ages) {
      const age = ages === undefined ? sql`null::timestamptz` : ageExpression('t', ages);
      const { rows } = await sql<TableRange>`
        select count(*)::float8 as rows, ${oldestMillis('r')} as oldest, ${newestMillis('r')} as newest
        from (select ${age} as age from ${tableRef(table)} as t) as r`.execute(connection.db);
      return rows[0] ?? { rows: 0, oldest: null, newest: null };
    },

    async findRecorded({ name, recordedBy }, { texts, files }, outbox) {
      if (texts.length === 0) return new Set();
      // Joins, and not `exists or exists`: the planner may then read an index or hash the few, whichever is less.
      const recorded = recordedBy.map((one) =>
        isPlain(one)
          ? sql`select s.file from spelling as s join ${tableRef(one.table)} as t on ${columnRef('t', one.column)} = s.text`
          : sql`
            select s.file
            from spelling as s
            join (${selectRecorded(one, sql`true`)}) as r on r.path = s.text
            union
            select s.file
            from (select * from ${tableRef(one.table)} as t where ${hasUnreadable(one)}) as t
            join spelling as s on ${mayMean(one, sql`s.text`)}`,
      );
      const waiting = sql`
        select s.file
        from spelling as s
        join ${ledgerTable(connection, 'file')} as f on f.path = s.text and f.root = ${name}`;
      const { rows } = await sql<{ file: number }>`
        with spelling as materialized (
          select * from unnest(${[...texts]}::text[], ${[...files]}::int[]) as s(text, file)
        )
        ${sql.join(outbox ? [...recorded, waiting] : recorded, sql` union `)}`.execute(connection.db);
      return new Set(rows.map(({ file }) => file));
    },

    async tryChange(table, columns) {
      const { db } = connection;
      const set = columns.map((column) => sql`${sql.id(column)} = null`);
      const change =
        columns.length === 0
          ? sql`delete from ${tableRef(table)} where false`
          : sql`update ${tableRef(table)} set ${sql.join(set)} where false`;
      await sql`explain ${change}`.execute(db);
    },

    async readPaths(recorded, after, limit) {
      const { table, column } = recorded;
      const { from } = findPaths(recorded);
      const path = isPlain(recorded) ? columnRef('t', column) : findPaths(recorded).path;
      const type = isPlain(recorded) ? column.type : 'text';
      const isNext = after === null ? sql`true` : sql`${path} > ${castValue(after, type)}`;
      const { rows } = await sql<{ path: string }>`
        select p.path::text as path
        from (
          select distinct ${path} as path
          from ${tableRef(table)} as t${from}
          where ${isNext} and ${path} <> ''
          order by 1
          limit ${limit}
        ) as p`.execute(connection.db);
      return rows.map((row) => row.path);
    },

    async countUnreadable(recorded) {
      const { rows } = await sql<{ rows: number }>`
        select count(*)::float8 as rows
        from ${tableRef(recorded.table)} as t
        where ${hasUnreadable(recorded)}`.execute(connection.db);
      return rows[0]?.rows ?? 0;
    },

    async tryCondition(table, where) {
      const { db } = connection;
      await tryAndUndo(db, async () =>
        sql`explain select from ${relationRef(table)} as t where ${toSql(where)}`.execute(db),
      );
    },
  };
}

/**
 * By the end of the index. `exists` alone reads the table from its start, where its oldest rows are: 41 ms for 300,000 events
 * of which the last 40 % are new, and all of it if none is.
 */
async function isNewestNew(
  connection: Connection,
  table: TableName,
  age: AgeColumn,
  isNew: RawBuilder<unknown>,
): Promise<boolean> {
  const column = columnRef('t', age);
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from (
        select ${column} from ${tableRef(table)} as t where ${column} is not null order by ${column} desc limit 1
      ) as t
      where ${isNew}
    ) as found`.execute(connection.db);
  return rows[0]?.found === true;
}
