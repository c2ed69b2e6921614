import { isText } from '../../dialect/column-types.ts';
import type { AgeCandidate } from './ages.ts';
import { belongsTo } from './belongs.ts';
import type { Dependents } from './dependents.ts';
import type { Growth } from './growth.ts';
import { isSurelyNamedForEvents } from './growth.ts';
import { findKeptWord } from './kept-words.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { listPathColumns } from './paths.ts';
import { hasWord, splitWords } from './words.ts';

/** Words for totals of other rows. */
const TOTAL_WORDS = new Set(
  'daily weekly monthly quarterly yearly annual total summary rollup aggregate'.split(' '),
);

/** Last words of columns in which people write. */
const WRITTEN_WORDS = new Set(
  'title subject body content comment note description caption headline summary bio remark text'.split(' '),
);

/** Last words of names for what is used until it expires. */
const CREDENTIAL_WORDS = new Set('token key secret credential certificate'.split(' '));

/**
 * Why a person must say how long the rows of a table stay that seems to grow: its rows may be wanted for ever, or in use. Undefined
 * if nothing shows that.
 */
export function findObjection(
  table: KnownTable,
  { by }: Growth,
  { column, role }: AgeCandidate,
  dependents: Dependents,
  database: KnownDatabase,
): string | undefined {
  const objection = findObjectionToDrop(table);
  if (objection !== undefined) return objection;
  if (by === 'size' && (role !== 'event' || listPathColumns(table).length > 0))
    return 'only its size says that old rows are of no use';
  const isCredential = hasWord(splitWords(table.catalog.name).slice(-1), CREDENTIAL_WORDS);
  if (isCredential && role !== 'expiry' && role !== 'end')
    return `its rows may be used until they expire, and ${column.name} does not say when`;
  return findPrecious(table, dependents, database);
}

/** The same of a table whose partitions can be dropped: by its name and by its columns. */
export function findObjectionToDrop(table: KnownTable): string | undefined {
  const kept = findKeptWord(table);
  if (kept !== undefined)
    return `a law or a contract may say how long rows must stay that are named for ${kept}`;
  const total = splitWords(table.catalog.name).find((word) => TOTAL_WORDS.has(word));
  if (total !== undefined)
    return `its name has ${total}, as of totals, which people look at for longer than at what they count`;
  return findWritten(table);
}

/** What people write they may want to read for ever, whatever the table is named: an `event` may be one of a calendar. */
function findWritten(table: KnownTable): string | undefined {
  if (isSurelyNamedForEvents(table)) return undefined;
  const columns = listWritten(table);
  return columns.length === 0 ? undefined : `people seem to write in ${columns.join(', ')}`;
}

/** Contacts that a cascade deletes along with the import that they came with. */
function findPrecious(
  table: KnownTable,
  dependents: Dependents,
  database: KnownDatabase,
): string | undefined {
  const gone = [table, ...dependents.listDeletedAlong(table)];
  const precious = gone
    .filter((along) => !gone.some((parent) => parent !== along && belongsTo(along, parent, database)))
    .filter((along) => along !== table)
    .filter((along) => findKeptWord(along) !== undefined || listWritten(along).length > 0)
    .map(({ catalog }) => catalog.label);
  return precious.length === 0
    ? undefined
    : `the database deletes rows of ${precious.join(', ')} along, which people may want to keep`;
}

function listWritten({ catalog }: KnownTable): string[] {
  return [...catalog.columns.values()]
    .filter(({ name, type }) => isText(type) && hasWord(splitWords(name).slice(-1), WRITTEN_WORDS))
    .map(({ name }) => name);
}
