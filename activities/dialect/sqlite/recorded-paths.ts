import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { PathColumn, RecordedPaths } from '../../stored/row-tree.ts';
import { columnRef, tableAs } from './identifiers.ts';

/** Where the paths of rows of alias `t` come from. */
interface PathSource {
  /** What stands after the table in the from clause. */
  readonly from: RawBuilder<unknown>;
  readonly path: RawBuilder<string | null>;
}

/** Whether a row has one path, which an index may have. */
export function isPlain({ parts, json }: RecordedPaths): boolean {
  return parts === undefined && json === undefined;
}

/** The paths of rows of alias `t`, as text. */
export function findPaths({ column, parts, json }: RecordedPaths): PathSource {
  if (parts !== undefined) {
    const texts = parts.map((part) =>
      typeof part === 'string' ? sql`${part}` : castText(columnRef('t', part)),
    );
    return { from: sql``, path: sql`(${sql.join(texts, sql` || `)})` };
  }
  const value = columnRef('t', column);
  if (json === undefined) return { from: sql``, path: castText(value) };
  const { from, element } = findElements(value, json);
  return { from, path: sql`(case json_type(${element}) when 'text' then ${element} ->> '$' end)` };
}

/** Over alias `t`: some paths of the row cannot be read. */
export function hasUnreadable({ column, json }: RecordedPaths): RawBuilder<boolean> {
  if (json === undefined) return sql`false`;
  const value = columnRef('t', column);
  const { from, element } = findElements(value, json);
  return sql`(
    (${value} is not null and not json_valid(${value}))
    or exists (
      select 1 from (select 1) as one${from} where json_type(${element}) not in ('text', 'null')
    )
  )`;
}

/** Over alias `t`: what cannot be read of the row has a text in it, which counts as recorded then. */
export function mayMean(recorded: RecordedPaths, text: RawBuilder<unknown>): RawBuilder<boolean> {
  if (recorded.json === undefined) return sql`false`;
  const value = columnRef('t', recorded.column);
  const written = sql`trim(json_quote(${text}), '"')`;
  return sql`(${hasUnreadable(recorded)} and (instr(${value}, ${text}) > 0 or instr(${value}, ${written}) > 0))`;
}

/** In a statement: the texts that rows of a table record and that are not filtered out. */
export function selectRecorded(recorded: PathColumn, where: RawBuilder<unknown>): RawBuilder<unknown> {
  const { from, path } = findPaths(recorded);
  return sql`select ${path} as path from ${tableAs(recorded.table, 't')}${from} where ${where} and ${path} is not null`;
}

/** The texts of JSON that a row had. What is no text is left out. */
export function readPaths(text: string | null, json: readonly (string | null)[]): string[] {
  const values = json.reduce<unknown[]>(
    (found, name) => found.flat().flatMap((value) => (name === null ? [value] : [readMember(value, name)])),
    [parse(text)],
  );
  return values.filter((value) => typeof value === 'string');
}

function readMember(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function parse(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The elements that some steps lead to, as JSON; null for a member that is missing. As PostgreSQL, a step looks into lists. */
function findElements(value: RawBuilder<unknown>, json: readonly (string | null)[]): PathSourceOfJson {
  let element: RawBuilder<unknown> = sql`(case when json_valid(${value}) then ${value} end)`;
  const sources = json.map((name, n) => {
    const list = sql`(case json_type(${element}) when 'array' then ${element} else json_array(json(${element})) end)`;
    const each = sql.id(`j${n}`);
    const one = sql`(${list} -> ${each}.fullkey)`;
    element = name === null ? one : sql`(${one} -> ${`$."${name}"`})`;
    return sql`, json_each(${list}) as ${each}`;
  });
  return { from: sql.join(sources, sql``), element };
}

interface PathSourceOfJson {
  readonly from: RawBuilder<unknown>;
  readonly element: RawBuilder<unknown>;
}

function castText(value: RawBuilder<unknown>): RawBuilder<string | null> {
  return sql`cast(${value} as text)`;
}
