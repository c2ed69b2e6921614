import { listAges } from './ages.ts';
import { isNamedForEvents } from './growth.ts';
import { listGuessedReferences } from './guessed-references.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { findState } from './states.ts';

/** A table to whose rows those of another belong. */
export interface Parent {
  readonly table: KnownTable;
  /** Nothing but name and type of a column tie them. */
  readonly guess: boolean;
}

/** The tables to whose rows those of this one belong: by a foreign key that takes them along, or by the name of a column. */
export function listParents(table: KnownTable, database: KnownDatabase): Parent[] {
  const byKey = database
    .listKeysIn(table)
    .filter(({ onDelete }) => onDelete === 'cascade')
    .flatMap(({ parent }) => database.find(parent) ?? [])
    .filter((parent) => parent !== table);
  const guessed = listGuessedReferences(table, database).map(({ parent }) => parent);
  return [...new Set([...byKey, ...guessed])].map((parent) => ({
    table: parent,
    guess: !byKey.includes(parent),
  }));
}

/**
 * Why old rows of a table must stay: they belong to rows that seem to grow and have no age. When something last happened to
 * those, only these rows say. Undefined if there is no such parent.
 */
export function describeAgelessParent(
  table: KnownTable,
  age: string,
  database: KnownDatabase,
): string | undefined {
  const ageless = listParents(table, database)
    .map((parent) => parent.table)
    .find(
      (parent) => isNamedForEvents(parent) && listAges(parent, findState(parent) !== undefined).length === 0,
    );
  if (ageless === undefined) return undefined;
  const { label } = ageless.catalog;
  return `its rows belong to those of ${label}, and only ${age} says how old a row of ${label} is`;
}
