import { sql } from 'kysely';

import type { ColumnName, PartialIndex, TableName } from '../../stored/columns.ts';
import { toSql } from '../condition.ts';
import type { Condition } from '../view.ts';
import type { Connection } from './connection.ts';
import { compile } from './connection.ts';
import { columnRef, tableRef } from './identifiers.ts';
import type { SqliteValue } from './thread-messages.ts';

/** What SQLite says if an index cannot serve a query that names it: it does not have all of its rows. */
const CANNOT_SERVE = /no query solution/i;

/** Has SQLite plan a query that names each index: it refuses if the query does not imply the predicate. */
export async function findPartialIndex(
  connection: Connection,
  table: TableName,
  column: ColumnName,
  where: Condition,
  names: readonly string[],
): Promise<PartialIndex | undefined> {
  for (const name of names) {
    const predicate = await readPredicate(connection, name);
    if (predicate === undefined) continue;
    const query = compile(sql`
      explain query plan select 1
      from ${tableRef(table)} as t indexed by ${sql.id(name)}
      where ${toSql(where)} and ${columnRef('t', column)} is not null`);
    try {
      await connection.run(sql`${sql.raw(writeLiterals(query.sql, query.values))}`);
      return { name, predicate };
    } catch (error) {
      if (!(error instanceof Error) || !CANNOT_SERVE.test(error.message)) throw error;
    }
  }
  return undefined;
}

/** The predicate of a partial index; undefined if the index is whole. */
export async function readPredicate(connection: Connection, name: string): Promise<string | undefined> {
  const { rows } = await connection.run(sql<{ text: string | null }>`
    select sql as text from main.sqlite_schema where type = 'index' and name = ${name}`);
  return findPredicate(rows[0]?.text ?? '');
}

/** What stands after the list of columns of a `create index`. */
function findPredicate(text: string): string | undefined {
  let depth = 0;
  for (const match of text.matchAll(
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|\bwhere\b|[()]/gi,
  )) {
    if (match[0] === '(') depth += 1;
    else if (match[0] === ')') depth -= 1;
    // Lines of its own: the text may end in a comment.
    else if (match[0].toLowerCase() === 'where' && depth === 0)
      return `${text.slice(match.index + 5).trim()}\n`;
  }
  return undefined;
}

/** A statement with its values in its text: SQLite plans before it knows the values that are bound. */
function writeLiterals(text: string, values: readonly SqliteValue[]): string {
  const rest = [...values];
  return text.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\?/g, (token) =>
    token === '?' ? writeLiteral(rest.shift() ?? null) : token,
  );
}

function writeLiteral(value: SqliteValue): string {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  return String(value);
}
