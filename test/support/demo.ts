import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from '@jest/globals';

import { ROOT } from './parts/bring.ts';
import { waitFor } from './wait.ts';

const TABLES = 8;

/** Gives a command a terminal of its own; what is typed here is typed there. */
const WITH_TERMINAL = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))`;

/** The demo as a person starts it, with a folder for its temporary files. */
export class Demo {
  readonly #started: ChildProcess[] = [];
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-demo-'));
    // PostgreSQL does not run as root.
    chmodSync(this.#folder, 0o755);
  }

  /** Runs it without a terminal, to its end. */
  async play(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; output: string }> {
    const child = spawn('npm', ['run', '-s', 'demo', '--', ...args], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: this.#folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#started.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  /** Starts it on a terminal of its own. */
  openOnTerminal(args: string): {
    input: NodeJS.WritableStream;
    output: () => string;
    closed: Promise<unknown>;
  } {
    // A terminal of no size shows nothing.
    const command = `stty rows 50 cols 150 && npm run -s demo -- ${args}`;
    const child = spawn('python3', ['-c', WITH_TERMINAL, 'sh', '-c', command], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1', TMPDIR: this.#folder },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#started.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return { input: child.stdin, output: () => output, closed: once(child, 'close') };
  }

  /** Databases that it has not removed. */
  countDatabases(): number {
    const ours = /^(?:temporal-vacuum-pg|vacuum-sqlite)-/;
    return readdirSync(this.#folder).filter((name) => ours.test(name)).length;
  }

  /** Waits until its files and its server are gone. */
  async expectGone(ui: string): Promise<void> {
    await waitFor('its files to be removed', async () => this.countDatabases() === 0);
    await expect(fetch(ui)).rejects.toThrow('fetch failed');
  }

  remove(): void {
    this.#started.splice(0).forEach((child) => child.kill());
    rmSync(this.#folder, { recursive: true });
  }
}

/** Where the output says that the Temporal UI is. */
export function findUi(output: string): string {
  return /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '';
}

/** Expects that the output proves the run, and says what went of the flow runs. */
export function expectShown(output: string, flowRuns: RegExp): void {
  expect(output.match(/ agrees/g)).toHaveLength(TABLES);
  expect(output).not.toContain('DIFFERS');
  expect(output).not.toContain('should be gone');
  expect(output).toMatch(flowRuns);
  expect(output).toContain('terminal without an end time');
  expect(output).toContain('schedule vacuum-prefect created: every 1 hour');
}
