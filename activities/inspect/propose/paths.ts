import { isText } from '../../dialect/column-types.ts';
import type { KnownTable } from './known-table.ts';
import { hasWord, splitWords } from './words.ts';

const PATH_WORDS = new Set([
  'path',
  'file',
  'filename',
  'filepath',
  'attachment',
  'image',
  'thumbnail',
  'blob',
]);

/** Last words of what is told of a path or a file, and is none. */
const ABOUT_PATHS = new Set([
  'token',
  'hash',
  'digest',
  'checksum',
  'sha',
  'type',
  'mime',
  'alt',
  'format',
  'status',
]);

/** Whether the name of a column says that it holds the path of a file. */
export function hasPathWord(column: string): boolean {
  const words = splitWords(column);
  return hasWord(words, PATH_WORDS) && !ABOUT_PATHS.has(words.at(-1) ?? '');
}

/** The columns that record files: text whose name says so, and whose values do not contradict. */
export function listPathColumns({ catalog, values }: KnownTable): string[] {
  return [...catalog.columns.values()]
    .filter(({ name, type }) => isText(type) && hasPathWord(name))
    .filter(({ name }) => {
      const known = values.get(name)?.values ?? [];
      return known.filter(isPath).length * 2 >= known.length;
    })
    .map(({ name }) => name);
}

/** A path has a folder or an ending, and is no URL. */
function isPath(value: string): boolean {
  return !/^\w+:\/\//.test(value) && /\/|\.\w{1,8}$/.test(value);
}
