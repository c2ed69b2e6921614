import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { createDatabase } from '../support/database.ts';
import { installedProject } from '../support/installed-project.ts';
import { makeFastFolder } from '../support/memory-disk.ts';
import { describeNeeding } from '../support/needing.ts';
import { ROOT } from '../support/parts/bring.ts';
import { PrefectRows } from '../support/prefect/rows.ts';
import { temporalAddress } from '../support/temporal.ts';

const execute = promisify(execFile);

const MIKRO_ORM = ['core', 'postgresql', 'sql'];
const TEMPORAL = ['activity', 'client', 'common', 'envconfig', 'plugin', 'worker', 'workflow'];
const { peerDependencies: peers } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};

const listPackages = (scope: string, names: readonly string[], version: string): string[] =>
  names.map((name) => `@${scope}/${name}@${version}`);
/** The version that a range begins with. */
const findOldest = (name: string): string => peers[name]?.replace('^', '') ?? '';

// Hosts bring what they have: the package must run with the oldest and the newest that its ranges name.
describeNeeding(['temporal'], 'the package beside', () => {
  let tarball: string;
  const folders: string[] = [];

  beforeAll(async () => {
    const project = await installedProject();
    tarball = join(project, readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '');
  });
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** A project that has some packages already, and adds this one. */
  async function install(packages: readonly string[]): Promise<string> {
    const folder = makeFastFolder('host');
    folders.push(folder);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "name": "host", "private": true, "type": "module" }');
    const npm = ['install', '--loglevel=error', '--prefer-offline', '--no-fund', '--no-audit'];
    await execute('npm', [...npm, ...packages, tarball], { cwd: folder });
    return folder;
  }

  function readVersion(folder: string, name: string): string {
    const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  }

  const oldest = [
    ...listPackages('mikro-orm', MIKRO_ORM, findOldest('@mikro-orm/core')),
    ...listPackages('temporalio', TEMPORAL, findOldest('@temporalio/worker')),
  ];

  test.each([
    ['the oldest of all that it names', oldest],
    ['the newest of all that it names', []],
    ['the oldest MikroORM and the newest Temporal', oldest.filter((name) => name.startsWith('@mikro-orm'))],
    ['the newest MikroORM and the oldest Temporal', oldest.filter((name) => name.startsWith('@temporalio'))],
  ])('%s previews and runs', async (_, packages) => {
    const folder = await install(packages);
    for (const name of packages) {
      const [, bare = '', version] = /^(@.+)@(.+)$/.exec(name) ?? [];
      expect(readVersion(folder, bare)).toBe(version);
    }
    const database = await createDatabase();
    await new PrefectRows(database).run({ logs: 4 });
    const program = join(folder, 'node_modules/.bin/temporal-vacuum');
    const type = async (...args: string[]): Promise<{ deleted: object }> => {
      const where = ['--url', database.url, '--set', 'enabled=true', '--json'];
      const { stdout } = await execute(process.execPath, [program, ...args, ...where], { cwd: folder });
      return JSON.parse(stdout) as { deleted: object };
    };
    const { deleted } = await type('preview', 'prefect');
    expect(deleted).toMatchObject({ flow_run: 1, log: 4 });
    const run = await type('run', 'prefect', '--execute', '--temporal', temporalAddress());
    expect(run).toMatchObject({ status: 'completed', deleted });
    expect(await database.value('select count(*) from flow_run')).toBe(0);
    await database.drop();
  });

  test('MikroORM 6 is refused by npm', async () => {
    await expect(install(listPackages('mikro-orm', ['core', 'postgresql'], '6'))).rejects.toThrow(
      /peer @mikro-orm\/core@"\^7/,
    );
  });
});
