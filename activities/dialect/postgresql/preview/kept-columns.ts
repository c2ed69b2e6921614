import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Link } from '../../../stored/row-tree.ts';
import { referencesColumns } from '../../join-path.ts';

/** The name under which a common table expression keeps a column of its rows. */
export function keptColumn(column: string): string {
  return `kept_${column}`;
}

/** A row of an alias references a row, alias `d`, of a common table expression that keeps the columns for it. */
export function referencesKept(link: Link, child = 'c'): RawBuilder<boolean> {
  return referencesColumns(child, (column) => sql.id('d', keptColumn(column)), link);
}

/** The location of a row of an alias and the columns to keep, for a select list. */
export function selectLocation(alias: string, columns: Iterable<string>): RawBuilder<unknown> {
  const list = [...new Set(columns)].map(
    (column) => sql`, ${sql.id(alias, column)} as ${sql.id(keptColumn(column))}`,
  );
  return sql`${sql.id(alias, 'ctid')} as location${sql.join(list, sql``)}`;
}
