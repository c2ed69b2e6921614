import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';

const run = promisify(execFile);

describe('completion', () => {
  let script: string;

  beforeAll(async () => {
    script = (await cli(['completion', 'bash'])).stdout;
  });

  /** What bash offers for the last word of a line. */
  const complete = async (...words: string[]): Promise<string[]> => {
    const line = ['temporal-vacuum', ...words].map((word) => `'${word}'`).join(' ');
    const asked = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _temporal_vacuum; echo "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['-c', `${script}\n${asked}`]);
    return stdout.trim().split(' ');
  };

  test('offers commands, their subcommands and their options', async () => {
    expect(await complete('sch')).toEqual(['schedule']);
    expect(await complete('')).toEqual(expect.arrayContaining(['preview', 'run', 'worker', 'history']));
    expect(await complete('schedule', 'tr')).toEqual(['trigger']);
    expect(await complete('schedule', 'apply', 'prefect', '--mo')).toEqual(['--move']);
    expect(await complete('worker', 'prefect', '--set', 'enabled=true', '--app')).toEqual([
      '--apply-schedules',
    ]);
    expect(await complete('completion', 'f')).toEqual(['fish']);
    expect(await complete('preview', '--nothing')).toEqual(['']);
  });

  test('comes for zsh and fish too, and says which shells it knows', async () => {
    expect((await cli(['completion', 'zsh'])).stdout).toContain('bashcompinit');
    const fish = (await cli(['completion', 'fish'])).stdout;
    expect(fish).toContain(
      `-n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from apply' -a '--id`,
    );
    const unknown = await cli(['completion', 'tcsh']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('bash, zsh, fish');
  });
});
