import { Runtime } from '@temporalio/worker';
import type { Command } from 'commander';

import { Databases } from '../../activities/database/databases.ts';
import { MistakesError } from '../../policy/mistake.ts';
import { createLogger } from '../logger.ts';
import type { Setup } from '../setup.ts';
import { findSetup } from '../setup.ts';
import type { TemporalOptions } from '../temporal.ts';
import { connectWorker } from '../temporal.ts';
import { createVacuumWorker } from '../vacuum-worker.ts';
import type { SetupFlags } from './options.ts';
import { withJson, withSetup, withTemporal } from './options.ts';
import { note, printJson } from './output.ts';

interface WorkerFlags extends SetupFlags, TemporalOptions {
  readonly logLevel: 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
}

/** `worker`: a worker that does nothing but vacuum, until it is told to go. */
export function addWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('work on runs until SIGINT or SIGTERM, which let the batch under way commit')
    .option('--log-level <level>', "the level of the worker's log on standard error", 'WARN')
    .action(async (flags: WorkerFlags) => work(flags));
  withJson(withTemporal(withSetup(command)));
}

async function work(flags: WorkerFlags): Promise<void> {
  const setup = await findSetup(flags);
  Runtime.install({ logger: createLogger(flags.logLevel) });
  await migrateLedgers(setup);
  const { connection, namespace, address } = await connectWorker(flags);
  try {
    const { taskQueue } = setup;
    const worker = await createVacuumWorker({ setup, connection, namespace, taskQueue });
    const running = worker.run();
    const policies = setup.policies.map((policy) => policy.name);
    if (flags.json) printJson({ state: 'running', address, namespace, taskQueue, policies });
    else
      note(
        `working on task queue ${taskQueue} of ${address}, namespace ${namespace}: ${policies.join(', ')}`,
      );
    await running;
  } finally {
    await connection.close();
  }
}

/** A database that is away now may be there when a run needs it; a ledger that cannot be used is a mistake. */
async function migrateLedgers(setup: Setup): Promise<void> {
  const databases = new Databases(setup.databases, setup.ledgerSchema);
  try {
    for (const name of Object.keys(setup.databases)) {
      try {
        await (await databases.named(name)).ledger.migrate();
      } catch (error) {
        if (error instanceof MistakesError) throw error;
        note(`database ${name} does not answer yet; the first run makes its ledger`);
      }
    }
  } finally {
    await databases.close();
  }
}
