import type { CatalogColumn } from '../../dialect/catalog.ts';
import { isNumber } from '../../dialect/column-types.ts';
import type { Tx } from '../../dialect/dialect.ts';
import { findInstantType } from './instant-type.ts';
import type { KnownTable } from './known-table.ts';
import { KnownDatabase } from './known-table.ts';
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
    const readable = table.may.select && !table.hidden && table.unsupported === undefined;
    const columns = readable ? [...table.columns.values()].filter(isTelling).map(({ name }) => name) : [];
    const values = await tx.survey.readValues(table, columns);
    const counted = readable && table.partitioning === undefined;
    const rows = table.rows ?? (counted ? await tx.tables.countUpTo(table, COUNTED_ROWS) : 0);
    tables.push({
      size,
      catalog: table,
      rows,
      values: new Map(values.map((known) => [known.column, known])),
    });
  }
  return new KnownDatabase(
    tables.map((table) => sumPartitions(table, tables)),
    catalog,
  );
}

/** Statistics of a partitioned table count nothing; what its partitions have is its own. */
function sumPartitions(table: KnownTable, tables: readonly KnownTable[]): KnownTable {
  const { partitioning } = table.catalog;
  if (partitioning === undefined) return table;
  const leaves = tables.filter(({ catalog }) => partitioning.leaves.includes(catalog.id));
  const sum = (count: (leaf: KnownTable) => number): number =>
    leaves.reduce((total, leaf) => total + count(leaf), 0);
  const written = {
    inserted: sum(({ size }) => size.written?.inserted ?? 0),
    updated: sum(({ size }) => size.written?.updated ?? 0),
  };
  return {
    ...table,
    rows: sum(({ rows }) => rows),
    size: { ...table.size, bytes: sum(({ size }) => size.bytes), written },
  };
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
