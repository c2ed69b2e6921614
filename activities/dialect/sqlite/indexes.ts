import { sql } from 'kysely';

import type { CatalogIndex } from '../catalog.ts';
import type { Connection } from './connection.ts';
import { hasPlainText } from './identifiers.ts';
import type { ListedColumn } from './listed-tables.ts';
import { findAffinity, isRowid } from './listed-tables.ts';
import { readPredicate } from './partial-index.ts';

/** The indexes of a table, and the rowid if a column is it by another name. */
export async function readIndexes(
  connection: Connection,
  table: string,
  columns: readonly ListedColumn[],
): Promise<CatalogIndex[]> {
  const { rows } = await connection.run(sql<{
    name: string;
    leading: string | null;
    partial: number;
    only: number;
  }>`
    select i.name, x.name as leading, i.partial,
      i."unique" = 1 and (select count(*) from pragma_index_xinfo(i.name) where key = 1) = 1 as only
    from pragma_index_list(${table}) as i
    join pragma_index_xinfo(i.name) as x on x.seqno = 0
    order by i.name`);
  const predicates = new Map<string, string>();
  for (const { name, partial } of rows)
    if (partial === 1) predicates.set(name, (await readPredicate(connection, name)) ?? '');
  const indexes = rows.map(({ name, leading, only }): CatalogIndex => {
    const predicate = predicates.get(name);
    const type = findAffinity(columns.find((column) => column.name === leading)?.type ?? '');
    // The keys of other columns are compared as texts, which no index has.
    const usable = leading !== null && (hasPlainText({ type }) || type === 'real') ? leading : null;
    const unique = only === 1 && predicate === undefined;
    const partial = predicate !== undefined && !isNotNull(predicate, leading);
    return { name, method: 'btree', leading: usable, unique, valid: true, partial };
  });
  const key = columns.find((column) => isRowid(column, columns));
  if (key === undefined) return indexes;
  const { name: leading } = key;
  return [...indexes, { name: 'rowid', method: 'btree', leading, unique: true, valid: true, partial: false }];
}

/** Whether a predicate leaves out only rows without a value in a column. */
function isNotNull(predicate: string, column: string | null): boolean {
  const [, name] =
    /^\(*\s*["`[]?([^"`\]]+?)["`\]]?\s+(?:is\s+not\s+null|notnull)\s*\)*$/i.exec(predicate.trim()) ?? [];
  return name !== undefined && name.toLowerCase() === column?.toLowerCase();
}
