import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { waitFor } from './wait.ts';

/** What is made once takes some ten seconds, more on a machine that is busy with other tests. */
const MADE_WITHIN_MILLIS = 300_000;

/**
 * Makes something for all test files of a run, in the first that asks, and returns what `make` returned to that one. `make` gets
 * a folder that is there until the end of the run.
 */
export async function makeOnce(name: string, make: (folder: string) => Promise<string>): Promise<string> {
  const shared = process.env['TEST_FOLDER'];
  if (shared === undefined) throw new Error('the global setup has made no folder');
  const folder = join(shared, name);
  const made = join(shared, `${name}.made`);
  const failed = join(shared, `${name}.failed`);
  if (claim(folder)) {
    try {
      writeFileSync(`${made}.new`, await make(folder));
      // Nobody may read half of it.
      renameSync(`${made}.new`, made);
    } catch (error) {
      writeFileSync(failed, '');
      throw error;
    }
  }
  await waitFor(
    `${name} to be made`,
    async () => {
      if (existsSync(failed)) throw new Error(`${name} could not be made; another test file says why`);
      return existsSync(made);
    },
    MADE_WITHIN_MILLIS,
  );
  return readFileSync(made, 'utf8');
}

/** Whether this process is the one to make it: only one can make the folder. */
function claim(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
