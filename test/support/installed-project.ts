import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { makeOnce } from './make-once.ts';
import { ROOT } from './parts/bring.ts';

/** The workflow bundle of the installed package, in the folder of the project. */
export const BUNDLE = 'workflow-bundle.js';

const execute = promisify(execFile);

/**
 * A project with nothing but the packed package, from the registry as its users have it. Made once for all test
 * files of a run; each works in folders of its own below it.
 */
export async function installedProject(): Promise<string> {
  return makeOnce('project', async (project) => {
    await install(project);
    return project;
  });
}

async function install(project: string): Promise<void> {
  // Its script prepack builds what it packs.
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
