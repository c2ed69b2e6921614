import type { CatalogColumn } from '../../dialect/catalog.ts';
import { isNumber } from '../../dialect/column-types.ts';
import type { Tx } from '../../dialect/dialect.ts';
import { findInstantType } from './instant-type.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { hasPathWord } from './paths.ts';
import { hasStateWord } from './states.ts';
import { hasTimeWord } from './time-words.ts';

/** How far rows are counted of a table that was never analyzed. */
const COUNTED_ROWS = 100_000;

/** Reads all tables: some statements for each, which read at most some pages of a table without statistics. */
export async function readKnownDatabase(tx: Tx): Promise<KnownDatabase> {
  const sizes = await tx.survey.listTables();
  const catalog = await tx.facts.readCatalog(sizes);
  const tables: KnownTable[] = [];
  for (const size of sizes) {
    const table = catalog.find(size.schema, size.name);
    if (table === undefined) continue;
    const readable =
      table.may.select && !table.hidden && size.partitionedBy === null && table.unsupported === undefined;
    const columns = readable ? [...table.columns.values()].filter(isTelling).map(({ name }) => name) : [];
    const values = await tx.survey.readValues(table, columns);
    const rows = table.rows ?? (readable ? await tx.tables.countUpTo(table, COUNTED_ROWS) : 0);
    tables.push({
      size,
      catalog: table,
      rows,
      values: new Map(values.map((known) => [known.column, known])),
    });
  }
  return { tables, catalog };
}

/** Whether the values of a column say something about how long its rows are needed. */
function isTelling(column: CatalogColumn): boolean {
  const { name, type } = column;
  return (
    findInstantType(column) !== undefined ||
    (isNumber(type) && hasTimeWord(name)) ||
    hasStateWord(name) ||
    hasPathWord(name)
  );
}
