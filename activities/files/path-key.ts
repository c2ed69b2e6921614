import { FileRefused } from '../../policy/file-store.ts';

/** What file systems take, in bytes. */
const MAX_NAME_BYTES = 255;
const MAX_KEY_BYTES = 3500;

/**
 * The key of a path that a row records, below a folder: `/` between names, nothing empty. Looks at the text only. Throws
 * {@link FileRefused} for a path that leads out of the folder and for names that no file can have; refuses `..` even if it
 * leads back.
 */
export function keyBelow(folder: string, path: string): string {
  const below = path.startsWith('/') ? withoutFolder(folder, path) : path;
  if (below.includes('\0')) throw new FileRefused('its path has a NUL');
  if (/(^|\/)\.?$/.test(below)) throw new FileRefused('its path names a folder');
  const names = below.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new FileRefused('its path has ".."');
  // An unpaired surrogate would be written as another character, and name another file.
  if (!below.isWellFormed()) throw new FileRefused('its path is no text');
  const key = names.join('/');
  const tooLong = names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES);
  if (tooLong || Buffer.byteLength(key) > MAX_KEY_BYTES) throw new FileRefused('its path is too long');
  return key;
}

function withoutFolder(folder: string, path: string): string {
  if (path.startsWith(`${folder}/`)) return path.slice(folder.length + 1);
  throw new FileRefused('its path lies outside of the root');
}
