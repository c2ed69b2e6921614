import type { RawBuilder } from 'kysely';

import { positionOf } from '../batch/position.ts';
import type { PassPlan, Shard, Spread, Strategy } from '../passes/pass.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ColumnName } from '../sql/names.ts';
import { pageOf } from '../sql/pages.ts';
import type { Sample, SampleWish } from '../sql/sample.ts';

/**
 * What a walk costs, in microseconds, measured with PostgreSQL 18 on 2 cores (10 million log rows of 100,000
 * runs, warm; `npm run bench`). Only the ratios matter: they decide where one walk becomes cheaper than another.
 */
export const COST = {
  /** Reading a page that may have nothing to delete. */
  page: 8,
  /** Deleting a row in physical order. */
  rowInOrder: 1.3,
  /** Deleting a row where an index leads. */
  rowByIndex: 2.4,
  /** The same in the order of age: the entry, the row, and the row again by its place. */
  rowByAge: 5.5,
  /** One descent into an index for the next distinct key, and looking its parent up. */
  key: 11,
  /** An index entry that is looked at: one of a row that does not qualify, or of a dead tuple. */
  entry: 0.5,
  /** A row of a page, live or dead, whose parent must be found: its key among the distinct keys of the batch. */
  parent: 0.25,
} as const;

/** A table with fewer pages is read in some milliseconds: not worth an activity more. */
const LEAST_PAGES_TO_CUT = 1000;

/** What to choose between. */
export interface WalkChoice {
  readonly table: CatalogTable;
  /** The rows that the pass would take, over alias `t`. */
  readonly where: RawBuilder<boolean>;
  readonly shards: number;
  /** Rows deleted in all tables for each row of the pass's own. Default 1. */
  readonly familySize?: number;
  /** The walk by an index, if the table has the index: on the age, or on the key of the parent. */
  readonly index?: {
    readonly strategy: 'keyset' | 'loose-index';
    readonly column: ColumnName;
    /** Distinct keys, for the loose walk. */
    readonly keys: number;
    /** The frozen horizon, for the keyset walk. */
    readonly until: string;
  };
}

/** What a sample must say to choose a walk. */
export function wishForWalk({ where, shards, index }: WalkChoice): SampleWish {
  const of = index?.strategy === 'loose-index' ? 'all' : 'qualifying';
  const column = index === undefined ? {} : { column: { name: index.column, of } as const };
  return { where, parts: shards, ...column };
}

/** Chooses the cheaper walk for what a sample of the table says, and cuts it into shards. */
export function chooseWalk(choice: WalkChoice, sample: Sample): PassPlan {
  const strategy = cheaper(choice, sample);
  const spread = spreadOf(strategy, sample);
  const parts = cut(strategy, choice, sample);
  return {
    strategy,
    shards: spread === undefined ? parts : parts.map((shard) => ({ ...shard, spread })),
    estimate: sample.rows,
    tableRows: sample.tableRows,
  };
}

/** Where the rows lie; undefined where they are too few, or their keys do not tell. */
function spreadOf(strategy: Strategy, sample: Sample): Spread | undefined {
  const places = strategy === 'page-range' ? sample.placeMarks : sample.columnMarks;
  const marks = places.map((place) => positionOf(strategy, place));
  if (marks.length < 2 || marks.some((mark) => Number.isNaN(mark))) return undefined;
  return { rows: strategy === 'loose-index' ? sample.tableRows : sample.rows, marks };
}

/** Whether the table has a usable index that begins with a column. */
export function hasIndexOn(table: CatalogTable, column: ColumnName): boolean {
  return table.indexes.some(
    (index) => index.method === 'btree' && index.leading === column.name && index.valid && !index.partial,
  );
}

/** Each batch of a keyset walk reads all rows of the age where it stands. A day in a `date` may have any number. */
const MOST_TIES = 10_000;

type Walk = Exclude<Strategy, 'tables' | 'files'>;

function cheaper({ table, index }: WalkChoice, { rows, ties, tableRows }: Sample): Walk {
  if (index === undefined) return 'page-range';
  const byPages = table.pages * COST.page + rows * COST.rowInOrder;
  if (index.strategy === 'keyset') {
    if (index.column.type === 'date' || ties > MOST_TIES) return 'page-range';
    return rows * COST.rowByAge <= byPages ? 'keyset' : 'page-range';
  }
  const byKeys = index.keys * COST.key + table.deadRows * COST.entry + rows * COST.rowByIndex;
  const lookingUp = (tableRows + table.deadRows) * COST.parent;
  return byKeys <= byPages + lookingUp ? 'loose-index' : 'page-range';
}

function cut(strategy: Walk, choice: WalkChoice, sample: Sample): Shard[] {
  const { table, index } = choice;
  switch (strategy) {
    case 'page-range': {
      const rowsPerPage = Math.max(1, sample.tableRows / Math.max(1, table.pages));
      const edges = [0, ...pageCuts(choice, sample), table.pages];
      return edges.slice(1).map((untilPage, n) => {
        const open = n === edges.length - 2;
        return { strategy, fromPage: edges[n] ?? 0, untilPage, open, rowsPerPage };
      });
    }
    case 'keyset': {
      const edges = [null, ...sample.columnCuts, index?.until ?? ''];
      const { oldest } = sample;
      return edges
        .slice(1)
        .map((until, n) => ({ strategy, from: edges[n] ?? null, until: until ?? '', oldest }));
    }
    case 'loose-index': {
      const edges = [null, ...sample.columnCuts, null];
      return edges.slice(1).map((until, n) => ({ strategy, after: edges[n] ?? null, until: until ?? null }));
    }
  }
}

/** Pages that cut the work of a walk into equal parts: the deleting where there is much of it, else the reading. */
function pageCuts({ table, shards, familySize = 1 }: WalkChoice, sample: Sample): number[] {
  const mostlyReading = sample.rows * familySize * COST.rowInOrder < table.pages * COST.page;
  if (mostlyReading && table.pages >= LEAST_PAGES_TO_CUT) {
    return Array.from({ length: shards - 1 }, (_, n) => Math.round(((n + 1) * table.pages) / shards));
  }
  return [...new Set(sample.placeCuts.map(pageOf).filter((page) => page > 0))];
}
