import type { RawBuilder } from 'kysely';

/** What a column of a list is in the database. */
export type ListType = 'id' | 'number' | 'text';

/** What a dialect writes in its own way in the statements of the ledger that both share. */
export interface LedgerSql {
  rows<T>(query: RawBuilder<T>): Promise<readonly T[]>;
  /** How many rows a statement changed. */
  change(query: RawBuilder<unknown>): Promise<number>;
  /** A table of the ledger, quoted. */
  table(name: 'run' | 'pass' | 'batch' | 'guard' | 'file' | 'size' | 'reclaim'): RawBuilder<unknown>;
  /** A value for a column of JSON; null for undefined. */
  json(value: unknown): RawBuilder<unknown>;
  /** What was read from a column of JSON. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of JSON is what was written
  parse<T>(column: unknown): T;
  /** An instant for a column, of ISO 8601. */
  instant(iso: string | null): RawBuilder<unknown>;
  /** The instant at which the statement runs, or one so many milliseconds later. */
  now(plusMillis?: number): RawBuilder<unknown>;
  /** An instant in a select list, which {@link toIso} reads. */
  selectInstant(column: string): RawBuilder<unknown>;
  toIso(column: unknown): string;
  /** An instant in milliseconds since the epoch. */
  millis(instant: RawBuilder<unknown>): RawBuilder<number>;
  /** The members of an object of JSON, to select `key` and `value` from. */
  members(column: string): RawBuilder<unknown>;
  /** The larger of two numbers; null counts as nothing. */
  greatest(one: RawBuilder<unknown>, other: RawBuilder<unknown>): RawBuilder<number>;
  /** Objects to select from, by their members and what these are. */
  recordset(values: readonly object[], columns: Readonly<Record<string, ListType>>): RawBuilder<unknown>;
  /** Whether a list of JSON has an element like a value. */
  hasElement(column: string, value: unknown): RawBuilder<boolean>;
  /** A list of JSON with one element more. */
  append(column: string, value: unknown): RawBuilder<unknown>;
  /** An object of JSON with other values of some members; `fallback` is taken for null. */
  assign(column: string, fallback: object, value: object): RawBuilder<unknown>;
}
