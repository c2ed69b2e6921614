import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadEnvFile } from 'node:process';

/** Reads the file `.env` of a folder into the environment, if there is one. A variable that is set wins over the file. */
export function loadEnvironmentFile(folder: string): void {
  const file = resolve(folder, '.env');
  if (existsSync(file)) loadEnvFile(file);
}
