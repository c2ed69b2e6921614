import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../stored/columns.ts';
import type { RowLink, RowTree } from '../stored/row-tree.ts';

/**
 * The tables and links of rows that are reached along several ways. A row is found by following links from row to row until
 * nothing new comes: it is told by the number of its table and its location.
 */
export class RowGraphSql {
  /** The own table first. */
  readonly tables: readonly [TableName, ...TableName[]];
  readonly links: readonly RowLink[];

  constructor({ table, cascades }: RowTree) {
    const others = new Map(cascades.map((step) => [step.table.label, step.table]));
    others.delete(table.label);
    this.tables = [table, ...others.values()];
    this.links = cascades.map(({ from, table: child, ...link }) => ({
      parent: cascades[from]?.table ?? table,
      child,
      ...link,
    }));
  }

  /** The number of a table, as it is written in a statement. */
  number({ label }: TableName): RawBuilder<number> {
    return sql`${sql.lit(this.tables.findIndex((known) => known.label === label))}`;
  }
}
