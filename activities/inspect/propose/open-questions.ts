import type { AgeCandidate } from './ages.ts';
import { isUsed } from './ages.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import type { Parent } from './parents.ts';
import { listParents } from './parents.ts';
import type { StateColumn } from './states.ts';
import { hasStateWord } from './states.ts';
import { hasWord, splitWords } from './words.ts';

const DELETED_WORDS = new Set(['deleted', 'removed', 'archived', 'trashed']);

/** What a pass by age alone does not regard, and a person has to decide. One sentence each. */
export function describeOpenQuestions(
  table: KnownTable,
  age: AgeCandidate,
  state: StateColumn | undefined,
  database: KnownDatabase,
): string[] {
  const columns = [...table.catalog.columns.keys()];
  const states = state === undefined ? columns.filter(hasStateWord) : [];
  const marks = columns.filter(
    (name) => name !== age.column.name && hasWord(splitWords(name), DELETED_WORDS),
  );
  const owners = columns.filter(
    (name) => name.endsWith('_type') && columns.includes(toKey(name)) && !isNamedFor(table, name),
  );
  const isUsedUnseen = isUsed(table.catalog.name) && ['event', 'creation'].includes(age.role);
  return [
    ...states.map(
      (name) =>
        `${name} seems to be a state, and no value of it is known to be the last one: without a where for it, rows in use are deleted, too.`,
    ),
    ...marks.map(
      (name) => `${name} seems to mark deleted rows: with a where for it, only those are deleted.`,
    ),
    ...owners.map(
      (name) => `${name} and ${toKey(name)} reference rows of several tables, which may be in use.`,
    ),
    ...(isUsedUnseen
      ? [
          `Rows may be in use although ${age.column.name} is old: no column says when one was last used, or expires.`,
        ]
      : []),
    ...describeParents(listParents(table, database)),
  ];
}

function describeParents(parents: readonly Parent[]): string[] {
  return [false, true].flatMap((isGuess) => {
    const labels = parents.filter(({ guess }) => guess === isGuess).map(({ table }) => table.catalog.label);
    return labels.length === 0
      ? []
      : `A row ${isGuess ? 'seems to belong' : 'belongs'} to one of ${labels.join(', ')}: it is deleted by its own age, also while that one is in use.`;
  });
}

function toKey(typeColumn: string): string {
  return typeColumn.replace(/_type$/, '_id');
}

/** `run_type` and `run_id` of `dag_run` are type and name of the run itself. */
function isNamedFor({ catalog }: KnownTable, typeColumn: string): boolean {
  const prefix = splitWords(typeColumn).slice(0, -1).join(' ');
  return ` ${splitWords(catalog.name).join(' ')}`.endsWith(` ${prefix}`);
}
