import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { RowLink } from '../../../stored/row-tree.ts';
import type { Catalog, CatalogTable } from '../../catalog.ts';
import { references } from '../../join-path.ts';
import { listSetNullLinks } from '../../set-null-links.ts';
import { tableRef } from '../identifiers.ts';

/** References that a pass sets to null, beside those that the database does. */
export interface ClearedLink {
  readonly link: RowLink;
  readonly pass: string;
}

/** Columns that are null once earlier passes are done, and for which rows, alias `u`. */
interface UnlinkedColumns {
  readonly columns: readonly string[];
  readonly condition: RawBuilder<unknown>;
}

/**
 * The references of a table that are set to null because earlier passes delete what they name. `listEarlier` returns the common
 * table expressions of what they delete from a table: all of them, or one of them.
 */
export function listUnlinked(
  catalog: Catalog,
  table: CatalogTable,
  cleared: readonly ClearedLink[],
  listEarlier: (parent: TableName, pass?: string) => readonly string[],
): UnlinkedColumns[] {
  const byDatabase = listSetNullLinks(catalog, table).map((link) => ({ link, columns: link.columns }));
  const byPasses = cleared
    .filter(({ link }) => catalog.named(link.child)?.id === table.id)
    .map(({ link, pass }) => ({ link, pass, columns: link.on.map(({ child }) => child) }));
  return [...byDatabase, ...byPasses].flatMap(({ link, columns, ...by }) =>
    listEarlier(link.parent, 'pass' in by ? by.pass : undefined).map((cte) => ({
      columns,
      condition: sql`exists (
        select from ${tableRef(link.parent)} as p
        join ${sql.id(cte)} as deleted on deleted.location = p.ctid
        where ${references('u', 'p', link)}
      )`,
    })),
  );
}
