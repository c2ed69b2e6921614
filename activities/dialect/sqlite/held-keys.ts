import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';

import { Channel } from './channel.ts';
import { readSqliteError } from './errors.ts';

/** The longest time that a timer knows. */
const FOREVER = 2 ** 31 - 1;

/** A little file beside the database, locked for as long as a key is held: the operating system ends that with the process. */
function pathOfKey(path: string, key: string): string {
  return `${path}.${createHash('sha256').update(key).digest('hex').slice(0, 16)}.lock`;
}

/** Holds a key until the returned function is called, or the process ends. */
export async function holdKey(path: string, key: string): Promise<() => Promise<void>> {
  const file = pathOfKey(path, key);
  await appendFile(file, '');
  const channel = new Channel({ file, readOnly: false, pragmas: 'none', idleMillis: FOREVER });
  await channel.run('begin exclusive');
  return async () => {
    await channel.close();
    await rm(file, { force: true });
  };
}

/** Whether some process holds a key. */
export async function isKeyHeld(path: string, key: string): Promise<boolean> {
  const file = pathOfKey(path, key);
  if (!existsSync(file)) return false;
  const channel = new Channel({ file, readOnly: false, pragmas: 'none', idleMillis: FOREVER });
  try {
    await channel.run('begin exclusive');
    return false;
  } catch (error) {
    if (readSqliteError(error)?.kind === 'busy') return true;
    throw error;
  } finally {
    await channel.close();
  }
}
