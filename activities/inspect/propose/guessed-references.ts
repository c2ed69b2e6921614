import type { CatalogColumn } from '../../dialect/catalog.ts';
import { isSameKind } from '../../dialect/column-types.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { hasWord, splitWords } from './words.ts';

/** A column without a foreign key that is named and typed like a reference. */
interface GuessedReference {
  readonly column: CatalogColumn;
  readonly parent: KnownTable;
}

const KEY_WORDS = new Set(['id', 'uuid', 'key', 'pk']);

/** Columns like `run_id` without a foreign key, of the type of the key of table `run`. */
export function listGuessedReferences(table: KnownTable, database: KnownDatabase): GuessedReference[] {
  return [...table.catalog.columns.values()].flatMap((column) => {
    const parent = findNamedTable(column.name, database);
    const [key, ...more] = parent?.catalog.primaryKey ?? [];
    const type = parent?.catalog.columns.get(key ?? '')?.type;
    if (parent === undefined || parent === table || type === undefined || more.length > 0) return [];
    if (isForeignKey(table, column.name, database) || isPolymorphic(table, column.name)) return [];
    return isSameKind(column.type, type) ? [{ column, parent }] : [];
  });
}

/** The table that a column is named after, if there is one and no other. */
function findNamedTable(column: string, database: KnownDatabase): KnownTable | undefined {
  const words = splitWords(column);
  if (!hasWord(words.slice(-1), KEY_WORDS) || words.length < 2) return undefined;
  const wanted = words.slice(0, -1);
  const named = database.listNamed(wanted);
  const exact = named.filter(({ catalog }) => splitWords(catalog.name).length === wanted.length);
  const [only, ...others] = exact.length > 0 ? exact : named;
  return others.length === 0 ? only : undefined;
}

function isForeignKey(table: KnownTable, column: string, database: KnownDatabase): boolean {
  return database.listKeysIn(table).some(({ childColumns }) => childColumns.includes(column));
}

/** `owner_id` beside `owner_type` references rows of several tables. */
function isPolymorphic({ catalog }: KnownTable, column: string): boolean {
  const prefix = splitWords(column).slice(0, -1).join(' ');
  return [...catalog.columns.keys()].some((other) => {
    const words = splitWords(other);
    return hasWord(words.slice(-1), TYPE_WORDS) && words.slice(0, -1).join(' ') === prefix;
  });
}

const TYPE_WORDS = new Set(['type', 'kind', 'class', 'model']);
