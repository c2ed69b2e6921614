import type { CatalogColumn } from '../../dialect/catalog.ts';
import type { KnownTable } from './known-table.ts';
import { hasWord, splitWords } from './words.ts';

/** The column that says whether a row is still in use. */
export interface StateColumn {
  readonly column: CatalogColumn;
  /** Values of rows that are over. */
  readonly final: readonly string[];
  /** The other values. */
  readonly living: readonly string[];
}

const STATE_WORDS = new Set(['state', 'status', 'phase']);

const FINAL_WORDS = new Set(
  (
    'complete completed success succeeded successful ok done finished ended fail failed failure error errored crashed ' +
    'cancelled canceled aborted terminated expired timeout closed resolved archived delivered sent skipped removed ' +
    'revoked processed deleted dead rejected discarded acknowledged'
  ).split(' '),
);

/** Words of values that are not final although they have a final word. */
const LIVING_WORDS = new Set(['retry', 'retrying', 'retryable', 'not', 'partial', 'partially', 'cancelling']);

/** A column with more values is no state. */
const MOST_STATES = 30;

/** Whether the name of a column says that it holds a state. */
export function hasStateWord(column: string): boolean {
  return hasWord(splitWords(column), STATE_WORDS);
}

/** The state of a table's rows; undefined if there is none, or no value of it looks final. */
export function findState({ catalog, values }: KnownTable): StateColumn | undefined {
  return [...catalog.columns.values()]
    .filter(({ name }) => hasStateWord(name))
    .map((column) => toState(column, values.get(column.name)?.values ?? []))
    .find(({ final }) => final.length > 0);
}

function toState(column: CatalogColumn, values: readonly string[]): StateColumn {
  // What the file says of values must be no row content: no long texts, no numbers.
  const states = values.filter((value) => /^[a-z][\w .:-]{0,39}$/i.test(value));
  const isState = states.length === values.length && states.length <= MOST_STATES;
  const final = isState ? states.filter(isFinal) : [];
  return { column, final, living: states.filter((value) => !final.includes(value)) };
}

function isFinal(value: string): boolean {
  const words = splitWords(value);
  return hasWord(words, FINAL_WORDS) && !hasWord(words, LIVING_WORDS);
}
