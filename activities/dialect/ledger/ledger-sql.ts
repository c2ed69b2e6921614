import type { RawBuilder } from 'kysely';

/** What a dialect writes in its own way in the statements of the ledger that both share. */
export interface LedgerSql {
  /** The rows of a statement. */
  rows<T>(query: RawBuilder<T>): Promise<readonly T[]>;
  /** How many rows a statement changed. */
  change(query: RawBuilder<unknown>): Promise<number>;
  /** A table of the ledger, quoted. */
  table(name: 'run' | 'pass' | 'batch'): RawBuilder<unknown>;
  /** A value for a column of JSON; null for undefined. */
  json(value: unknown): RawBuilder<unknown>;
  /** What was read from a column of JSON. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of JSON is what was written
  parse<T>(column: unknown): T;
  /** An instant for a column, of ISO 8601. */
  instant(iso: string | null): RawBuilder<unknown>;
  /** The instant at which the statement runs. */
  now(): RawBuilder<unknown>;
  /** An instant in a select list, which {@link toIso} reads. */
  selectInstant(column: string): RawBuilder<unknown>;
  toIso(column: unknown): string;
  /** Milliseconds since an instant. */
  millisSince(column: string): RawBuilder<number>;
  /** Whether an object of JSON has a member. */
  hasMember(column: string, name: string): RawBuilder<boolean>;
  /** Whether a list of JSON has an element like a value. */
  hasElement(column: string, value: unknown): RawBuilder<boolean>;
  /** A list of JSON with one element more. */
  append(column: string, value: unknown): RawBuilder<unknown>;
}
