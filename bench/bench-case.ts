import type { ClientBase } from 'pg';

/** What contenders are measured on. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** Fills a database whose tables are there and whose indexes are not. */
  insertRows(client: ClientBase, scale: number): Promise<void>;
  /** Settings of the preset. */
  readonly settings: Readonly<Record<string, string>>;
  /** Plain statements that delete the same rows, in dependency order: the floor that a person would write. */
  readonly plain: readonly string[];
  /** Common loops by name: each statement deletes at most 200 rows and is repeated until it deletes none. */
  readonly loops: Readonly<Record<string, readonly string[]>>;
}

/** Rows of an iteration of the common loop. */
export const LOOP_ROWS = 200;
