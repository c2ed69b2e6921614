import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { columnOf, tableOf } from './names.ts';

/** A column of a table that records paths. */
export interface PathColumn {
  readonly table: TableName;
  readonly column: ColumnName;
}

/** A root as a run keeps it: names only. Where it is stays on the worker. */
export interface FrozenRoot {
  readonly name: string;
  readonly recordedBy: readonly PathColumn[];
}

/** Ways to write the paths of files, and the number of the file that each is for. */
export interface Spellings {
  readonly texts: readonly string[];
  readonly files: readonly number[];
}

/** The numbers of the files that some row records, in any spelling; with `outbox`, also those that wait in it. */
export async function knownAmong(
  db: Kysely<unknown>,
  { name, recordedBy }: FrozenRoot,
  { texts, files }: Spellings,
  outbox?: RawBuilder<unknown>,
): Promise<ReadonlySet<number>> {
  if (texts.length === 0) return new Set();
  // Joins, and not `exists or exists`: the planner may then read an index or hash the few, whichever is less.
  const looks = [
    ...recordedBy.map(
      ({ table, column }) =>
        sql`select s.file from spelling as s join ${tableOf(table)} as t on ${columnOf('t', column)} = s.text`,
    ),
    ...(outbox === undefined
      ? []
      : [sql`select s.file from spelling as s join ${outbox} as f on f.path = s.text and f.root = ${name}`]),
  ];
  const { rows } = await sql<{ file: number }>`
    with spelling as materialized (
      select * from unnest(${[...texts]}::text[], ${[...files]}::int[]) as s(text, file)
    )
    ${sql.join(looks, sql` union `)}`.execute(db);
  return new Set(rows.map(({ file }) => file));
}
