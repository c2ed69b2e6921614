import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from '@jest/globals';

import { cli } from './cli.ts';
import type { CliResult } from './cli.ts';
import { ROOT } from './parts/bring.ts';

const execute = promisify(execFile);

/** What a run or a preview counted. */
export interface Counted {
  readonly status?: string;
  readonly deleted: Readonly<Record<string, number>>;
}

/** A folder in which `init` writes its file, where `temporal-vacuum` and MikroORM resolve as in a user's project. */
export class ProposedConfig {
  readonly folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-init-'));
  readonly file = join(this.folder, 'vacuum.config.ts');
  readonly #url: string;
  #proposed = '';

  constructor(url: string) {
    this.#url = url;
    const installed = join(this.folder, 'node_modules/temporal-vacuum');
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    // Node strips no types below node_modules; what a link leads to lies elsewhere.
    writeFileSync(join(installed, 'index.js'), `export * from '${join(ROOT, 'index.ts')}';`);
    symlinkSync(join(ROOT, 'node_modules/@mikro-orm'), join(this.folder, 'node_modules/@mikro-orm'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
  }

  get text(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** Runs a command in the folder, as its user would. */
  async type(...args: string[]): Promise<CliResult> {
    return cli(args, { cwd: this.folder, env: { VACUUM_DATABASE_URL: this.#url, NO_COLOR: '1' } });
  }

  /** Has the file proposed. */
  async init(...flags: string[]): Promise<string> {
    const { code, stderr } = await this.type('init', ...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('rror') });
    this.#proposed = this.text;
    return this.#proposed;
  }

  /** How many lines were edited since `init`: changed, added or removed. */
  async countEditedLines(): Promise<number> {
    const before = join(this.folder, 'proposed.txt');
    writeFileSync(before, this.#proposed);
    // It exits with 1 if there is a difference.
    const { stdout } = await execute('git', ['diff', '--no-index', '-U0', before, this.file]).catch(
      (error: { stdout: string }) => error,
    );
    const hunks = [...stdout.matchAll(/^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/gm)];
    const sizes = hunks.map(([, old = '1', now = '1']) => Math.max(Number(old), Number(now)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Edits the file: each text must be there, and is replaced wherever it stands. */
  edit(...changes: readonly (readonly [from: string, to: string])[]): void {
    let { text } = this;
    for (const [from, to] of changes) {
      expect(text).toContain(from);
      text = text.replaceAll(from, to);
    }
    writeFileSync(this.file, text);
  }

  async preview(): Promise<Counted> {
    await this.type('ledger', 'migrate');
    return this.#json('preview');
  }

  /** Runs the policy on a Temporal of its own. */
  async run(): Promise<Counted> {
    return this.#json('run', '--execute', '--temporal', 'dev');
  }

  /** The compiler must have nothing to say about the file. */
  async compile(): Promise<void> {
    const project = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        typeRoots: [join(ROOT, 'node_modules/@types')],
        paths: { 'temporal-vacuum': [join(ROOT, 'index.ts')] },
      },
      files: ['vacuum.config.ts'],
    };
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify(project));
    const found = await execute(join(ROOT, 'node_modules/.bin/tsc'), ['-p', this.folder]).catch(
      (error: { stdout: string }) => error,
    );
    expect(found.stdout).toBe('');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  async #json(...args: string[]): Promise<Counted> {
    const { code, stdout, stderr } = await this.type(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Counted;
  }
}

/** The passes of a proposed file, by name, without those that are comments. */
export function passesIn(text: string): Record<string, string> {
  const passes = text
    .replaceAll(/^ *\/\/ expireRows.*$/gm, '')
    .split(/(?:expireRows|dropPartitions)\(\{/)
    .slice(1);
  return Object.fromEntries(
    passes.map((pass) => [/name: '(?<name>[^']+)'/.exec(pass)?.groups?.['name'], pass]),
  );
}
