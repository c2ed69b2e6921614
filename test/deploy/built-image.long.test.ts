import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { ROOT } from '../support/parts/bring.ts';

const TAG = 'temporal-vacuum-test';
const TEN_MINUTES = 600_000;

/** Docker can build here: it runs, and it has or gets the base image. Elsewhere `image.test.ts` lints the Dockerfile. */
function findBuilder(): boolean {
  const [, base = ''] = /^FROM (\S+)/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];
  return spawnSync('docker', ['pull', '--quiet', base], { timeout: TEN_MINUTES }).status === 0;
}

function docker(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: TEN_MINUTES,
  });
  if (status !== 0) throw new Error(`docker ${args[0] ?? ''} failed: ${stderr}`);
  return stdout.trim();
}

describe('the container image, where Docker can build it', () => {
  const whereBuilt = findBuilder() ? test : test.skip;

  whereBuilt(
    'runs the command line, not as root',
    () => {
      docker('build', '--quiet', '--tag', TAG, '.');
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
      expect(docker('run', '--rm', TAG, '--version')).toBe(version);
      expect(docker('run', '--rm', '--entrypoint', 'id', TAG, '--user')).toBe('1000');
      expect(docker('run', '--rm', TAG, 'preview', '--help')).toContain('temporal-vacuum preview');
    },
    2 * TEN_MINUTES,
  );
});
