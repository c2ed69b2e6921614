import type { Random } from '../random-schemas/choose.ts';
import { chance, choose } from '../random-schemas/choose.ts';

// Triggers and rules that act on the rows of a graph by themselves.

/** What a table does to deletes of its rows, or to updates that a foreign key makes. */
export type Trigger =
  | 'none'
  /** Before delete, and keeps rows that are marked. */
  | 'keeps marked'
  /** Before delete, and raises an error for rows that are marked. */
  | 'refuses marked'
  /** Before update, and leaves the references of rows that are marked as they are. */
  | 'keeps references'
  /** As the first, but disabled. */
  | 'disabled'
  /** After delete, and writes into another table. */
  | 'writes'
  /** A rule on delete, which no pass may meet. */
  | 'rule'
  /** A rule on update, which no reference may meet that is set to null or to its default. */
  | 'update rule'
  /** None of its triggers fires, those of foreign keys included: no pass may meet it if one references its rows. */
  | 'all off';

const USUAL: readonly Trigger[] = [
  ...(['none', 'none', 'none', 'none', 'none', 'none'] as const),
  ...(['keeps marked', 'refuses marked', 'keeps references', 'writes'] as const),
];

/** What no pass may meet. */
const REFUSED: readonly Trigger[] = ['rule', 'update rule', 'update rule', 'all off'];

export function chooseTriggers(random: Random, tables: number, isSqlite: boolean): Trigger[] {
  const all: readonly Trigger[] = isSqlite ? USUAL : [...USUAL, 'disabled'];
  const triggers = Array.from({ length: tables }, () => choose(random, all));
  if (isSqlite || !chance(random, 0.25)) return triggers;
  return triggers.with(Math.floor(random() * tables), choose(random, REFUSED));
}
