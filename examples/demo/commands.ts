import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { print } from '../../worker/cli/output.ts';
import type { Stage } from './stage.ts';

const PROGRAM = fileURLToPath(new URL('../../worker/cli/main.ts', import.meta.url));

/** What commands of the demo find in their environment. */
export function demoEnvironment({ database, temporalAddress }: Stage): Record<string, string> {
  return {
    VACUUM_DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporalAddress,
    PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: 'true',
  };
}

/** Runs a command of `temporal-vacuum` as a person would, who sees what is typed. */
export async function type(stage: Stage, ...args: readonly string[]): Promise<void> {
  print(`$ temporal-vacuum ${args.join(' ')}`);
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...demoEnvironment(stage) },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`temporal-vacuum ${args.join(' ')} ended with ${code ?? 'a signal'}`);
}
