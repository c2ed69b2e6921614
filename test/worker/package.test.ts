import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, expect, test } from '@jest/globals';

import { createDatabase } from '../support/database.ts';
import { readLinks } from '../support/docs/markdown.ts';
import { readReleaseWorkflow } from '../support/docs/release.ts';
import { installedProject } from '../support/installed-project.ts';
import { describeNeeding } from '../support/needing.ts';
import { ROOT } from '../support/parts/bring.ts';
import { PrefectRows } from '../support/prefect/rows.ts';
import { temporalAddress } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

const execute = promisify(execFile);

describeNeeding(['temporal'], 'the package, installed into an empty project', () => {
  let project: string;

  beforeAll(async () => {
    project = await installedProject();
  });

  const installed = (): string => join(project, 'node_modules/temporal-vacuum');

  test('carries what is built and nothing of the repository', () => {
    expect(readdirSync(installed()).toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'deploy',
      'dist',
      'docs',
      'examples',
      'package.json',
    ]);
    expect(readdirSync(join(installed(), 'dist')).toSorted()).toEqual([
      'activities',
      'index.d.ts',
      'index.js',
      'index.js.map',
      'policy',
      'worker',
      'workflows',
    ]);
    const manifest = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(manifest['optionalDependencies']).toBeUndefined();
    expect(
      readdirSync(join(project, 'node_modules')).filter((name) => /^node-(linux|win|darwin)/.test(name)),
    ).toEqual([]);
  });

  test('has every file that its pages link to', () => {
    const pages = readdirSync(installed(), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.md'),
    );
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'docs/prefect.md', 'examples/odds/README.md']),
    );
    const broken = pages.flatMap((page) => {
      const links = readLinks(readFileSync(join(installed(), page), 'utf8'));
      return links
        .filter((to) => !existsSync(resolve(installed(), dirname(page), to)))
        .map((to) => `${page}: ${to}`);
    });
    expect(broken).toEqual([]);
  });

  test('opens each door of its exports, with types, and no other', async () => {
    const { exports } = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8')) as {
      exports: Record<string, string | { types: string; default: string }>;
    };
    const doors = Object.entries(exports).flatMap(([door, to]) =>
      typeof to === 'string' ? [] : [{ door, ...to }],
    );
    expect(doors.map(({ door }) => door)).toEqual(['.', './workflows', './http']);
    for (const { types, default: code } of doors) {
      expect([types, existsSync(join(installed(), types))]).toEqual([types, true]);
      expect([code, existsSync(join(installed(), code))]).toEqual([code, true]);
    }
    const closed = "await import('temporal-vacuum/dist/worker/plugin.js')";
    const refused = execute(process.execPath, ['--input-type=module', '-e', closed], { cwd: project });
    await expect(refused).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('can be required by a CommonJS project, with types', async () => {
    const code = `
      const { definePolicy, VacuumPlugin } = require('temporal-vacuum');
      console.log(typeof definePolicy, typeof VacuumPlugin);`;
    const args = ['--input-type=commonjs', '-e', code];
    const { stdout } = await execute(process.execPath, args, { cwd: project });
    expect(stdout).toBe('function function\n');
    const folder = join(project, 'commonjs');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    const wrong = `definePolicy({ name: 'p', enabled: 'false' })`;
    writeFileSync(
      join(folder, 'main.ts'),
      `import { definePolicy } from 'temporal-vacuum';\n// @ts-expect-error -- the types are known\n${wrong};\n`,
    );
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', 'node'];
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    await execute(process.execPath, [compiler, ...options, 'main.ts'], { cwd: folder });
  });

  test('can be published by the steps of the release, which say where it is from', async () => {
    const { steps } = readReleaseWorkflow().jobs['publish'] ?? { steps: [] };
    const setting = steps.findIndex(({ run }) => run?.includes('npm pkg set'));
    const publishing = steps.findIndex(({ run }) => run?.startsWith('npm publish'));
    expect(setting).toBeGreaterThan(-1);
    expect(setting).toBeLessThan(publishing);
    const copy = join(project, 'published');
    cpSync(installed(), copy, { recursive: true });
    // As GitHub does it.
    const runStep = async (command = ''): Promise<{ stderr: string }> =>
      execute('bash', ['-e', '-c', command], {
        cwd: copy,
        env: {
          ...process.env,
          GITHUB_SERVER_URL: 'https://github.com',
          GITHUB_REPOSITORY: 'owner/temporal-vacuum',
        },
      });
    await runStep(steps[setting]?.run);
    const address = 'https://github.com/owner/temporal-vacuum';
    expect(JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'))).toMatchObject({
      // Without a directory: npm resolves the links of the README from the root of the repository.
      repository: { type: 'git', url: `git+${address}.git` },
      homepage: `${address}#readme`,
      bugs: { url: `${address}/issues` },
    });
    for (const link of readLinks(readFileSync(join(copy, 'README.md'), 'utf8'))) {
      expect([link, existsSync(join(ROOT, link))]).toEqual([link, true]);
    }
    // `npm run -s` would silence the warnings of each npm below it.
    const dry = '--dry-run --ignore-scripts --loglevel notice';
    const { stderr } = await runStep(`${steps[publishing]?.run} ${dry}`);
    expect(stderr).toContain('temporal-vacuum@');
    // npm warns of a machine that is not logged in, and goes on.
    expect(stderr).not.toMatch(/npm error|npm warn (?!publish This command requires you to be logged in)/);
  });

  test('runs a vacuum from its command line', async () => {
    const database = await createDatabase();
    await new PrefectRows(database).run({ logs: 4 });
    const args = ['run', 'prefect', '--url', database.url, '--set', 'enabled=true', '--execute', '--json'];
    const program = join(project, 'node_modules/.bin/temporal-vacuum');
    const { stdout } = await execute(process.execPath, [program, ...args, '--temporal', temporalAddress()], {
      cwd: project,
    });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', deleted: { flow_run: 1, log: 4 } });
    await database.drop();
  });

  test('needs no fastify, and has it installed for its page alone', async () => {
    const database = await createDatabase();
    expect(readdirSync(join(project, 'node_modules'))).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/fastify/)]),
    );
    const library =
      "const { VacuumPlugin } = await import('temporal-vacuum'); console.log(typeof VacuumPlugin)";
    const imported = await execute(process.execPath, ['--input-type=module', '-e', library], {
      cwd: project,
    });
    expect(imported.stdout).toBe('function\n');
    const program = join(project, 'node_modules/.bin/temporal-vacuum');
    const args = [
      'worker',
      '--preset',
      'prefect',
      '--url',
      database.url,
      '--task-queue',
      'page-of-the-package',
    ];
    const where = ['--address', temporalAddress(), '--http', '127.0.0.1:0', '--json'];
    const refused = execute(process.execPath, [program, ...args, ...where], { cwd: project });
    const { code, stderr } = await refused.then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    );
    expect(code).toBe(2);
    const [, command = ''] = /Install them: npm (install .*)\.$/m.exec(stderr) ?? [];
    expect(command).toBe('install fastify@5 @fastify/swagger@9');
    await execute('npm', [...command.split(' '), '--prefer-offline'], { cwd: project });
    const door = "console.log(Object.keys(await import('temporal-vacuum/http')).join())";
    const opened = await execute(process.execPath, ['--input-type=module', '-e', door], { cwd: project });
    expect(opened.stdout).toBe('TOKEN_VARIABLE,resolveHttpAddress,serveHttp\n');
    const worker = spawn(process.execPath, [program, ...args, ...where], { cwd: project });
    let said = '';
    worker.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const { http } = await waitFor('the worker to work', async () => {
      if (worker.exitCode !== null) throw new Error('the worker ended');
      return said.endsWith('}\n') ? (JSON.parse(said) as { http: string }) : undefined;
    });
    for (const path of ['/', '/page/main.js', '/page/style.css', '/api/policies', '/openapi.json']) {
      expect({ path, status: (await fetch(`${http}${path}`)).status }).toEqual({ path, status: 200 });
    }
    const exited = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await database.drop();
  });

  test('runs a vacuum from a worker of the project, with workflows of its own beside', async () => {
    const database = await createDatabase();
    await new PrefectRows(database).run({ logs: 4 });
    mkdirSync(join(project, 'own'));
    cpSync(join(ROOT, 'test/support/host/activities.ts'), join(project, 'own/activities.ts'));
    cpSync(join(ROOT, 'test/support/host/workflows.ts'), join(project, 'own/workflows.ts'));
    writeFileSync(join(project, 'worker.ts'), WORKER);
    const { stdout } = await execute(process.execPath, ['worker.ts'], {
      cwd: project,
      env: { ...process.env, DATABASE: database.url, ADDRESS: temporalAddress() },
    });
    expect(JSON.parse(stdout)).toEqual({ status: 'completed', greeting: 'hello world' });
    expect(await database.value('select count(*) from flow_run')).toBe(0);
    await database.drop();
  });
});

const WORKER = `
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, Runtime, DefaultLogger } from '@temporalio/worker';
import { prefect, VacuumPlugin } from 'temporal-vacuum';
import { progressQuery } from 'temporal-vacuum/workflows';
import { greet } from './own/activities.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const address = process.env.ADDRESS;
const taskQueue = 'project-' + process.pid;
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./own/workflows.ts', import.meta.url)),
  activities: { greet },
  plugins: [new VacuumPlugin({ databases: { main: process.env.DATABASE }, policies: [prefect({ enabled: true })] })],
});
const client = new Client({ connection: await Connection.connect({ address }) });
await worker.runUntil(async () => {
  const workflowId = taskQueue;
  const handle = await client.workflow.start('vacuum', { taskQueue, workflowId, args: [{ policy: 'prefect' }] });
  const { status } = await handle.result();
  await handle.query(progressQuery);
  const greeting = await client.workflow.execute('userFlow', { taskQueue, workflowId: workflowId + '-own', args: ['world'] });
  console.log(JSON.stringify({ status, greeting }));
});
process.exit(0);
`;
