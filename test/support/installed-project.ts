import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ROOT } from './parts/bring.ts';
import { waitFor } from './wait.ts';

/** The workflow bundle of the installed package, in the folder of the project. */
export const BUNDLE = 'workflow-bundle.js';

const execute = promisify(execFile);

/** Installing takes some ten seconds, more on a machine that is busy with other tests. */
const INSTALLED_WITHIN_MILLIS = 300_000;

/**
 * A project with nothing but the packed package, from the registry as its users have it. Made once for all test
 * files of a run, by the first that asks; each works in folders of its own below it.
 */
export async function installedProject(): Promise<string> {
  const folder = process.env['TEST_FOLDER'];
  if (folder === undefined) throw new Error('the global setup has made no folder');
  const project = join(folder, 'project');
  const mark = join(folder, 'installed');
  if (claim(project)) {
    await install(project);
    writeFileSync(mark, '');
  }
  await waitFor('the package to be installed', async () => existsSync(mark), INSTALLED_WITHIN_MILLIS);
  return project;
}

/** Whether this process is the one to make it: only one can make the folder. */
function claim(project: string): boolean {
  try {
    mkdirSync(project);
    return true;
  } catch {
    return false;
  }
}

async function install(project: string): Promise<void> {
  await execute('npm', ['run', 'build'], { cwd: ROOT });
  await execute('npm', ['pack', '--pack-destination', project], { cwd: ROOT });
  const [tarball = ''] = readdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }');
  writeFileSync(join(project, '.npmrc'), 'fund=false\naudit=false\n');
  const npm = ['install', '--loglevel=error', '--prefer-offline'];
  const types = ['@types/node', '@types/pg'].map((name) => `${name}@${readVersion(name)}`);
  await execute('npm', [...npm, `./${tarball}`, ...types], { cwd: project });
  const program = join(project, 'node_modules/temporal-vacuum/dist/worker/bundle-main.js');
  const { stdout } = await execute(process.execPath, [program], { maxBuffer: Number.POSITIVE_INFINITY });
  writeFileSync(join(project, BUNDLE), stdout);
}

/** The version of a package that is installed here. */
function readVersion(name: string): string {
  const manifest = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
