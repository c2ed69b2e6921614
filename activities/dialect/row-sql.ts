import type { RawBuilder } from 'kysely';

import type { ColumnName, TableName } from '../stored/columns.ts';
import type { HoldSql } from './held-dependents.ts';
import type { TableAs } from './join-path.ts';
import type { DeletedRows, Recording, Rows } from './rows.ts';

/** What a statement returned. */
export interface StatementResult<T> {
  readonly rows: readonly T[];
  /** Rows that it inserted, changed or deleted, without those of cascades and triggers. */
  readonly changes: number;
}

/** What of {@link Rows} a dialect does in its own way. */
type OwnRows<Connection> = {
  readonly [
    Name in
      | 'lockGraph'
      | 'deleteGraph'
      | 'readReferenced'
      | 'findLeft'
      | 'findChain'
      | 'countDependents'
      | 'lockHolders'
      | 'repointHolders'
      | 'locate'
      | 'isLocked'
  ]: (connection: Connection, ...asked: Parameters<Rows[Name]>) => ReturnType<Rows[Name]>;
};

/** What a dialect writes in its own way in the statements about rows, alias `t` if none is given. */
export interface RowSql<Connection> extends HoldSql<Connection>, OwnRows<Connection> {
  run<T>(connection: Connection, query: RawBuilder<T>): Promise<StatementResult<T>>;
  /** A table with what inherits from it. */
  readonly wholeTableAs: TableAs;
  /** The location of a row of an alias. */
  location(alias: string): RawBuilder<unknown>;
  locationText(alias: string): RawBuilder<string>;
  /** A location that travels as text. */
  toLocation(text: string): RawBuilder<unknown>;
  /** The row is at one of some locations. */
  isAt(locations: readonly string[]): RawBuilder<boolean>;
  /** The row is at one of the locations that a select gives. */
  isAmong(select: RawBuilder<unknown>): RawBuilder<boolean>;
  /** A key of a row of an alias as text. */
  keyText(column: ColumnName, alias: string): RawBuilder<string | null>;
  /** Over an alias: the key is one of some. `type` is that of the column which they are of. */
  isKey(column: ColumnName, alias: string, keys: readonly string[], type?: string): RawBuilder<boolean>;
  /** Over an alias: the key is one that travels as text, of whatever type. */
  hasKey(column: ColumnName, alias: string, key: string): RawBuilder<boolean>;
  /** The end of a select of alias `t` that locks its rows: all, or those that nobody else has locked. */
  readonly lock: RawBuilder<unknown>;
  readonly lockFree: RawBuilder<unknown>;
  /** Deletes rows, alias `t`, of which something is true, and reads the distinct values of columns of them. */
  deleteRows(
    connection: Connection,
    table: TableName,
    where: RawBuilder<boolean>,
    groups: readonly ColumnName[],
    recording: Recording | undefined,
  ): Promise<DeletedRows>;
  /** Those of some tables that are there and may be read. */
  listReadable(connection: Connection, tables: readonly TableName[]): Promise<readonly TableName[]>;
}
