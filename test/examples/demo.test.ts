import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { describeFailure } from '../../examples/demo/describe-failure.ts';
import { describeNeeding } from '../support/needing.ts';
import { ROOT } from '../support/parts/bring.ts';
import { waitFor } from '../support/wait.ts';

const TABLES = 8;

/** Gives a command a terminal of its own; what is typed here is typed there. */
const WITH_TERMINAL = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))`;

/** A terminal of no size shows nothing. */
const SIZED_DEMO = 'stty rows 50 cols 150 && npm run -s demo';

function expectShown(output: string, flowRuns = /flow_run +20,000 +9,\d{3}/): void {
  expect(output.match(/ agrees/g)).toHaveLength(TABLES);
  expect(output).not.toContain('DIFFERS');
  expect(output).not.toContain('should be gone');
  expect(output).toMatch(flowRuns);
  expect(output).toContain('terminal without an end time');
  expect(output).toContain('schedule vacuum-prefect created: every 1 hour');
}

// Needs Temporal only to bring it before; the demo starts a server of its own.
describeNeeding(['temporal'], 'npm run demo', () => {
  const started: ChildProcess[] = [];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-demo-'));
    // PostgreSQL does not run as root.
    chmodSync(folder, 0o755);
  });
  afterEach(() => {
    started.splice(0).forEach((child) => child.kill());
    rmSync(folder, { recursive: true });
  });

  const play = async (
    env: NodeJS.ProcessEnv = {},
    ...args: string[]
  ): Promise<{ code: number | null; output: string }> => {
    const child = spawn('npm', ['run', '-s', 'demo', ...args], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  };

  test('without a terminal it ends by itself and leaves nothing behind', async () => {
    const { code, output } = await play();
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expectShown(output);
    await expectGone(/http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '');
  });

  test('on a SQLite file it shows the same', async () => {
    const { code, output } = await play({}, '--', '--sqlite');
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expectShown(output, /flow_run +4,000 +1,\d{3}/);
    await expectGone(/http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '');
  });

  test('on a terminal it shows progress, stays up with the Temporal UI, and ends with Ctrl-C', async () => {
    const child = spawn('python3', ['-c', WITH_TERMINAL, 'sh', '-c', SIZED_DEMO], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1', TMPDIR: folder },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    started.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const closed = once(child, 'close') as Promise<[number | null]>;
    await waitFor('the demo to be over', async () => output.includes('Ctrl-C ends it all'), 240_000);
    expect(output).toContain('█'.repeat(24));
    expectShown(output);
    const ui = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '';
    const workflows = (await (await fetch(`${ui}/api/v1/namespaces/default/workflows`)).json()) as {
      executions: { type: { name: string }; status: string }[];
    };
    expect(
      workflows.executions.filter(({ type }) => type.name === 'vacuum').map(({ status }) => status),
    ).toContain('WORKFLOW_EXECUTION_STATUS_COMPLETED');
    child.stdin.write('\u0003');
    await closed;
    await expectGone(ui);
  });

  test('says in a sentence why it cannot start, and what to do, and leaves nothing behind', async () => {
    const { code, output } = await play({ TEMPORAL_CLI: '/bin/false' });
    expect(code).toBe(1);
    expect(output).toContain('The demo ended early: the Temporal dev server did not start. It needs');
    expect(output).toContain('start `npm run demo` again');
    expect(output).not.toMatch(/^ +at /m);
    expect(databasesIn(folder)).toBe(0);
  });

  test('gives the reason of a part that cannot be installed', () => {
    const log = new Error('PostgreSQL did not start:\ninitdb: begins\ninitdb: error: no space left\n');
    expect(describeFailure(log)).toContain(
      'The demo ended early: PostgreSQL did not start: initdb: error: no space left. It needs Node.js',
    );
    expect(describeFailure('no pip')).toContain('The demo ended early: no pip. It needs Node.js');
  });

  async function expectGone(ui: string): Promise<void> {
    await waitFor('its files to be removed', async () => databasesIn(folder) === 0);
    await expect(fetch(ui)).rejects.toThrow('fetch failed');
  }
});

/** Folders of databases; others of the tools that run the demo may stay. */
function databasesIn(folder: string): number {
  return readdirSync(folder).filter((name) => /^(?:temporal-vacuum-pg|vacuum-sqlite)-/.test(name)).length;
}
