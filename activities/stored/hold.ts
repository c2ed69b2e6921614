import type { ColumnName, Predicate, TableName } from './columns.ts';

/** A hold as it is listed. */
export interface Hold {
  readonly id: number;
  /** The entity that the person named, and its table. */
  readonly entity: string;
  readonly table: string;
  /** The primary key of the row; null if a filter, or a key of several columns, names the rows. */
  readonly key: string | null;
  readonly filter: unknown;
  readonly reason: string;
  readonly who: string;
  /** ISO 8601; null for no end. */
  readonly until: string | null;
  readonly addedAt: string;
  /** Its end has not come yet. */
  readonly inForce: boolean;
}

/** A hold to be added. */
export interface NewHold {
  readonly entity: string;
  readonly table: TableName;
  readonly rows:
    | { readonly key: string; readonly column: ColumnName }
    | {
        readonly filter: object;
        readonly condition: Predicate;
        /** The filter names one row by its primary key, of several columns; left out if it does not. */
        readonly isKey?: true;
      };
  readonly reason: string;
  readonly who: string;
  readonly until: string | null;
}
