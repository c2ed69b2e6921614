import type { Catalog, CatalogTable } from '../../dialect/catalog.ts';
import type { ColumnValues, SurveyedTable } from '../../dialect/survey.ts';

/** A table, with all that a proposal is made of. */
export interface KnownTable {
  readonly size: SurveyedTable;
  readonly catalog: CatalogTable;
  /** By the last analyze, or counted up to 100,000 if there was none. */
  readonly rows: number;
  /** What is known of the values of its columns, by name. */
  readonly values: ReadonlyMap<string, ColumnValues>;
}

/** All tables of a database. */
export interface KnownDatabase {
  readonly tables: readonly KnownTable[];
  readonly catalog: Catalog;
}
