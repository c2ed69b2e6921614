import type { CatalogTable } from '../dialect/catalog.ts';
import { isDate } from '../dialect/column-types.ts';
import type { Tx } from '../dialect/dialect.ts';
import { findPosition } from '../dialect/scan-position.ts';
import type { Sample, SampleRequest } from '../dialect/tables.ts';
import type { Condition } from '../dialect/view.ts';
import type { ColumnName, Predicate } from '../stored/columns.ts';
import type { StoredPass } from '../stored/pass.ts';
import { SCAN_COST } from '../stored/scan-cost.ts';
import type { PassPlan, Scan, Shard, Spread } from '../stored/scan.ts';

/** A table with fewer pages is read in some milliseconds: not worth an activity more. */
const MIN_PAGES_TO_CUT = 1000;

/** What to choose between. */
export interface ScanChoice {
  readonly table: CatalogTable;
  /** The rows that the pass would delete. */
  readonly where: Condition;
  readonly shards: number;
  /** Rows deleted in all tables for each row of the pass's own. Default 1. */
  readonly rowsPerParent?: number;
  /** The scan by an index, if the table has the index: on the age, or on the key of the parent. */
  readonly index?: {
    readonly scan: 'by-age' | 'by-parent-key';
    readonly column: ColumnName;
    /** Distinct keys, for the scan by parent key. */
    readonly keys: number;
    /** The horizon, for the scan by age. */
    readonly until: string;
  };
}

/** What a sample of the table must tell to choose a scan. */
export function toSampleRequest({ where, shards, index }: ScanChoice): SampleRequest {
  if (index === undefined) return { where, parts: shards };
  const of = index.scan === 'by-parent-key' ? 'all' : 'deletable';
  return { where, parts: shards, column: { name: index.column, of } };
}

/** Chooses the cheaper scan for what a sample of the table says, and cuts it into shards. */
export function chooseScan(choice: ScanChoice, sample: Sample): PassPlan {
  const scan = findCheaperScan(choice, sample);
  const spread = findSpread(scan, sample);
  const shards = cutShards(scan, choice, sample);
  return {
    scan,
    shards: spread === undefined ? shards : shards.map((shard) => ({ ...shard, spread })),
    estimate: sample.rows,
    tableRows: sample.tableRows,
  };
}

/** Where the rows lie; undefined if they are too few, or their keys do not tell. */
function findSpread(scan: Scan, sample: Sample): Spread | undefined {
  const marks =
    scan === 'by-location' ? sample.pageMarks : sample.columnMarks.map((mark) => findPosition(scan, mark));
  if (marks.length < 2 || marks.some((mark) => Number.isNaN(mark))) return undefined;
  return { rows: scan === 'by-parent-key' ? sample.tableRows : sample.rows, marks };
}

/** Whether the table has a usable index that begins with a column. */
export function hasIndexOn(table: CatalogTable, column: ColumnName): boolean {
  return table.indexes.some(
    (index) => index.method === 'btree' && index.leading === column.name && index.valid && !index.partial,
  );
}

/** The partial indexes that begin with an age, if the table has no whole one. */
function listPartialIndexes(table: CatalogTable, column: ColumnName): string[] {
  if (hasIndexOn(table, column)) return [];
  return table.indexes
    .filter(({ method, leading, valid }) => method === 'btree' && leading === column.name && valid)
    .map(({ name }) => name);
}

/** A pass with the partial index on its age, if that has all rows that match its filter. */
export async function addAgeIndex<S extends StoredPass & { readonly where: Predicate }>(
  stored: S,
  tx: Tx,
  table: CatalogTable,
): Promise<S> {
  const [age, ...others] = stored.ages ?? [];
  if (age === undefined || age.parent !== undefined || others.length > 0) return stored;
  const names = listPartialIndexes(table, age);
  if (names.length === 0) return stored;
  // Without the horizon, which moves from run to run.
  const meant = tx.view().matches(stored.where);
  const ageIndex = await tx.tables.findPartialIndex(table, age, meant, names);
  return ageIndex === undefined ? stored : { ...stored, ageIndex };
}

/** The scan by the index on the age, if the table has one that serves. */
export function scanByAge(
  { ages, ageIndex, horizon }: Pick<StoredPass, 'ages' | 'ageIndex' | 'horizon'>,
  table: CatalogTable,
): Pick<ScanChoice, 'index'> {
  const [column, ...others] = ages ?? [];
  if (column === undefined || column.parent !== undefined || others.length > 0) return {};
  if (ageIndex === undefined && !hasIndexOn(table, column)) return {};
  return { index: { scan: 'by-age', column, keys: 0, until: horizon ?? '' } };
}

/** Each batch of a scan by age reads all rows of the age where it stands. A day in a `date` may have any number. */
const MAX_TIES = 10_000;

type RowScan = Exclude<Scan, 'by-partition' | 'tables' | 'files'>;

function findCheaperScan({ table, index }: ScanChoice, { rows, ties, tableRows }: Sample): RowScan {
  if (index === undefined) return 'by-location';
  const byPages = table.pages * SCAN_COST.page + rows * SCAN_COST.rowInOrder;
  if (index.scan === 'by-age') {
    if (isDate(index.column.type) || ties > MAX_TIES) return 'by-location';
    return rows * SCAN_COST.rowByAge <= byPages ? 'by-age' : 'by-location';
  }
  const byKeys = index.keys * SCAN_COST.key + table.deadRows * SCAN_COST.entry + rows * SCAN_COST.rowByIndex;
  const findingParents = (tableRows + table.deadRows) * SCAN_COST.parent;
  return byKeys <= byPages + findingParents ? 'by-parent-key' : 'by-location';
}

function cutShards(scan: RowScan, choice: ScanChoice, sample: Sample): Shard[] {
  const { table, index } = choice;
  switch (scan) {
    case 'by-location': {
      const rowsPerPage = Math.max(1, sample.tableRows / Math.max(1, table.pages));
      const edges = [0, ...findPageCuts(choice, sample), table.pages];
      return edges.slice(1).map((untilPage, n) => {
        const open = n === edges.length - 2;
        return { scan, fromPage: edges[n] ?? 0, untilPage, open, rowsPerPage };
      });
    }
    case 'by-age': {
      const edges = [null, ...sample.columnCuts, index?.until ?? ''];
      const { oldest } = sample;
      return edges.slice(1).map((until, n) => ({ scan, from: edges[n] ?? null, until: until ?? '', oldest }));
    }
    case 'by-parent-key': {
      const edges = [null, ...sample.columnCuts, null];
      return edges.slice(1).map((until, n) => ({ scan, after: edges[n] ?? null, until: until ?? null }));
    }
  }
}

/** Pages that cut the work of a scan into equal parts: the deletes if there are many, else the reads. */
function findPageCuts({ table, shards, rowsPerParent = 1 }: ScanChoice, sample: Sample): number[] {
  const mostlyReading = sample.rows * rowsPerParent * SCAN_COST.rowInOrder < table.pages * SCAN_COST.page;
  if (mostlyReading && table.pages >= MIN_PAGES_TO_CUT) {
    return Array.from({ length: shards - 1 }, (_, n) => Math.round(((n + 1) * table.pages) / shards));
  }
  return [...new Set(sample.pageCuts.filter((page) => page > 0))];
}
