import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { USE_MADE_BUNDLE } from './made-bundle.ts';
import { withoutOwnSettings } from './own-settings.ts';
import { ROOT } from './parts/bring.ts';

/** What a command wrote and how it ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and with what a command runs. */
export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Called with the process once it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

// Without resolving links of each module's path a command takes 0.36 s of processor to load instead of 0.46.
const FLAGS = ['--preserve-symlinks', '--preserve-symlinks-main'];

/** Runs `temporal-vacuum` as a person would. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [...FLAGS, join(ROOT, 'worker/cli/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd ?? ROOT,
    env: {
      ...withoutOwnSettings(process.env),
      ...USE_MADE_BUNDLE,
      ...options.env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  options.onStart?.(child);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
