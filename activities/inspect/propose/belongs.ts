import { isNamedForEvents } from './growth.ts';
import { findKeptWord } from './kept-words.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { splitWords } from './words.ts';

/** Whether the rows of a table plainly belong to those of another: by its name or key, or because they say nothing else. */
export function belongsTo(child: KnownTable, parent: KnownTable, database: KnownDatabase): boolean {
  const [words, ofParent] = [splitWords(child.catalog.name), splitWords(parent.catalog.name)];
  if (isJoinTable(child, database) || isPartOfRow(child, parent, database)) return true;
  const kept = findKeptWord(child);
  if (kept !== undefined && !ofParent.includes(kept)) return false;
  return isNamedForEvents(child) || ofParent.every((word) => words.includes(word));
}

/** Its key is the reference: its rows are parts of those of the other, each of one. */
function isPartOfRow(child: KnownTable, parent: KnownTable, database: KnownDatabase): boolean {
  const { primaryKey } = child.catalog;
  return database
    .listKeysIn(child)
    .filter((key) => key.parent === parent.catalog.id)
    .some(({ childColumns }) => childColumns.toSorted().join() === primaryKey.toSorted().join());
}

/** All columns are keys: its rows say nothing but which rows belong together. */
function isJoinTable(table: KnownTable, database: KnownDatabase): boolean {
  const { catalog } = table;
  const keys = database.listKeysIn(table);
  const columns = new Set([...catalog.primaryKey, ...keys.flatMap(({ childColumns }) => childColumns)]);
  return keys.length > 1 && [...catalog.columns.keys()].every((column) => columns.has(column));
}
