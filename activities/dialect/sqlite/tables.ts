import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { isIn } from '../bind-predicate.ts';
import { toSql } from '../condition.ts';
import type { TableRange, Tables } from '../tables.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { ageExpression, ageMillis, findAgeForm } from './expiry.ts';
import { columnRef, tableRef } from './identifiers.ts';
import { findForm } from './instants.ts';
import { findPartialIndex } from './partial-index.ts';
import { findPaths, hasUnreadable, isPlain, mayMean, selectRecorded } from './recorded-paths.ts';
import { sampleTable } from './sample.ts';

/** New rows usually lie at the end of a table: so many of its last rows are read first. */
const LAST_ROWS = 10_000;

/** Questions about whole tables. */
export function createTables(connection: Connection): Tables {
  return {
    sample: async (table, requests) => sampleTable(connection, table, requests),

    async count(table, where, ages) {
      const { rows } = await connection.run(sql<{ rows: number; oldest: number | null }>`
        select count(*) as rows, min(${ages === undefined ? sql`null` : ageMillis('t', ages)}) as oldest
        from ${tableRef(table)} as t
        where ${toSql(where)} and vacuum_goes_on()`);
      const { rows: count = 0, oldest = null } = rows[0] ?? {};
      return { rows: count, oldestSeconds: secondsSince(oldest) };
    },

    async countOldest(table, where, [age], until, entries, index) {
      const value = columnRef('t', age);
      const form = findForm(age.type);
      if (form === undefined) return { rows: 0, oldestSeconds: null, complete: true };
      const { rows } = await connection.run(sql<{ entries: number; rows: number; oldest: number | null }>`
        select
          count(*) as entries,
          coalesce(sum(e.deletable is true), 0) as rows,
          min(case when e.deletable then e.millis end) as oldest
        from (
          select ${toSql(where)} as deletable, ${ageMillis('t', [age])} as millis
          from ${tableRef(table)} as t
          where ${value} < ${form.toValue(until)} and ${isIn(index)}
          order by ${value}
          limit ${entries}
        ) as e`);
      const { rows: count = 0, oldest = null, entries: read = 0 } = rows[0] ?? {};
      return { rows: count, oldestSeconds: secondsSince(oldest), complete: read < entries };
    },

    findPartialIndex: async (...asked) => findPartialIndex(connection, ...asked),

    async countUpTo(table, most) {
      const limit = Number.isFinite(most) ? Math.ceil(most) : -1;
      return countRows(connection, sql`select 1 from ${tableRef(table)} limit ${limit}`);
    },

    async hasRowSince(table, ages, instant) {
      const form = findAgeForm(ages);
      if (form === undefined) return false;
      const age = ageExpression('t', ages);
      const isNew = sql`${age} >= ${form.toValue(instant)} and ${form.isForm(age)}`;
      const { rows } = await connection.run(sql`
        select 1
        where
          exists (
            select 1
            from (select * from ${tableRef(table)} order by rowid desc limit ${LAST_ROWS}) as t
            where ${isNew}
          )
          or exists (select 1 from ${tableRef(table)} as t where ${isNew} and vacuum_goes_on())`);
      return rows.length > 0;
    },

    async findNthAge(table, where, ages, nth) {
      const age = ageMillis('t', ages);
      const { rows } = await connection.run(sql<{ age: number }>`
        select ${age} as age
        from ${tableRef(table)} as t
        where ${toSql(where)} and ${age} is not null and vacuum_goes_on()
        order by 1 desc
        limit 1 offset ${nth - 1}`);
      return rows[0] === undefined ? null : Math.floor(rows[0].age);
    },

    async readRange(table, ages) {
      const age = ages === undefined ? sql`null` : ageMillis('t', ages);
      const { rows } = await connection.run(sql<TableRange>`
        select count(*) as rows, min(${age}) as oldest, max(${age}) as newest
        from ${tableRef(table)} as t
        where vacuum_goes_on()`);
      return rows[0] ?? { rows: 0, oldest: null, newest: null };
    },

    async findRecorded({ name, recordedBy }, { texts, files }, outbox) {
      if (texts.length === 0) return new Set();
      const spellings = texts.map((text, n) => ({ text, file: files[n] }));
      const spelling = sql`(
        select value ->> 'text' as text, value ->> 'file' as file from json_each(${JSON.stringify(spellings)})
      ) as s`;
      const sources: RawBuilder<unknown>[] = recordedBy.map((one) =>
        isPlain(one)
          ? sql`select s.file from ${spelling} join ${tableRef(one.table)} as t on ${columnRef('t', one.column)} = s.text`
          : sql`
            select s.file from ${spelling} where s.text in (${selectRecorded(one, sql`true`)})
            union
            select s.file
            from (select * from ${tableRef(one.table)} as t where ${hasUnreadable(one)}) as t
            join ${spelling} on ${mayMean(one, sql`s.text`)}`,
      );
      if (outbox) {
        sources.push(sql`
          select s.file
          from ${spelling}
          join ${ledgerTable(connection, 'file')} as f on f.path = s.text and f.root = ${name}`);
      }
      const { rows } = await connection.run(sql<{ file: number }>`${sql.join(sources, sql` union `)}`);
      return new Set(rows.map(({ file }) => file));
    },

    async readPaths(recorded, after, limit) {
      const { from } = findPaths(recorded);
      const path = isPlain(recorded) ? columnRef('t', recorded.column) : findPaths(recorded).path;
      const isNext = after === null ? sql`true` : sql`${path} > ${after}`;
      const { rows } = await connection.run(sql<{ path: string }>`
        select distinct ${path} as path
        from ${tableRef(recorded.table)} as t${from}
        where ${isNext} and ${path} <> ''
        order by ${path}
        limit ${limit}`);
      return rows.map((row) => row.path);
    },

    countUnreadable: async (recorded) =>
      countRows(
        connection,
        sql`select 1 from ${tableRef(recorded.table)} as t where ${hasUnreadable(recorded)}`,
      ),

    async tryCondition(table, where) {
      await connection.run(sql`explain select 1 from ${tableRef(table)} as t where ${toSql(where)}`);
    },

    async tryChange(table, columns) {
      const set = columns.map((column) => sql`${sql.id(column)} = null`);
      const change =
        columns.length === 0
          ? sql`delete from ${tableRef(table)} where false`
          : sql`update ${tableRef(table)} set ${sql.join(set)} where false`;
      await connection.run(sql`explain ${change}`);
    },
  };
}

async function countRows(connection: Connection, select: RawBuilder<unknown>): Promise<number> {
  const { rows } = await connection.run(sql<{ rows: number }>`
    select count(*) as rows from (${select}) as counted`);
  return rows[0]?.rows ?? 0;
}

/** The age of an instant in whole seconds; null if it is not known. */
function secondsSince(millis: number | null): number | null {
  return millis === null ? null : Math.max(0, Math.round((Date.now() - millis) / 1000));
}
