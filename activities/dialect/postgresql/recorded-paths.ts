import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { PathColumn, RecordedPaths } from '../../stored/row-tree.ts';
import { isTextList } from '../column-types.ts';
import { columnRef, tableRef } from './identifiers.ts';

/** Where the paths of rows of alias `t` come from. */
interface PathSource {
  /** What stands after the table in the from clause. */
  readonly from: RawBuilder<unknown>;
  readonly path: RawBuilder<string | null>;
}

/** Whether a row has one path, which an index may have. */
export function isPlain({ column, parts, json }: RecordedPaths): boolean {
  return parts === undefined && json === undefined && !isTextList(column.type);
}

/** The paths of rows of alias `t`, as text. */
export function findPaths({ column, parts, json }: RecordedPaths): PathSource {
  if (parts !== undefined) {
    const texts = parts.map((part) =>
      typeof part === 'string' ? sql`${part}::text` : sql`${columnRef('t', part)}::text`,
    );
    return { from: sql``, path: sql`(${sql.join(texts, sql` || `)})` };
  }
  const value = columnRef('t', column);
  if (json !== undefined) {
    return {
      from: sql` cross join lateral ${elements(value, json)} as q(element)`,
      path: sql`(case when jsonb_typeof(q.element) = 'string' then q.element #>> '{}' end)`,
    };
  }
  if (isTextList(column.type))
    return { from: sql` cross join lateral unnest(${value}) as q(path)`, path: sql`q.path::text` };
  return { from: sql``, path: sql`${value}::text` };
}

/** All paths of the row of alias `t`, as an array. */
export function pathsOfRow(recorded: RecordedPaths): RawBuilder<unknown> {
  const { from, path } = findPaths(recorded);
  return sql`array(select ${path} from (select) as one${from})`;
}

/** Over alias `t`: some paths of the row cannot be read. False for what is no JSON. */
export function hasUnreadable({ column, json }: RecordedPaths): RawBuilder<boolean> {
  if (json === undefined) return sql`false`;
  return sql`exists (
    select from ${elements(columnRef('t', column), json)} as u(element)
    where jsonb_typeof(u.element) not in ('string', 'null')
  )`;
}

/** Over alias `t`: what cannot be read of the row has a text in it, which counts as recorded then. */
export function mayMean(recorded: RecordedPaths, text: RawBuilder<unknown>): RawBuilder<boolean> {
  if (recorded.json === undefined) return sql`false`;
  const written = sql`substring(to_jsonb(${text}::text)::text from 2 for length(to_jsonb(${text}::text)::text) - 2)`;
  const value = columnRef('t', recorded.column);
  return sql`(${hasUnreadable(recorded)} and strpos(${value}::jsonb::text, ${written}) > 0)`;
}

/** In a statement: the texts that rows of a table record and that are not filtered out. */
export function selectRecorded(recorded: PathColumn, where: RawBuilder<boolean>): RawBuilder<unknown> {
  const { from, path } = findPaths(recorded);
  return sql`select ${path} as path from ${tableRef(recorded.table)} as t${from} where ${where} and ${path} is not null`;
}

function elements(value: RawBuilder<unknown>, json: readonly (string | null)[]): RawBuilder<unknown> {
  const steps = json.map((name) => (name === null ? '[*]' : `."${name}"`));
  return sql`jsonb_path_query(${value}::jsonb, ${sql.lit(`$${steps.join('')}`)}::jsonpath)`;
}
