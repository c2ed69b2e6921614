import type { LogLevel } from '@temporalio/worker';
import { Runtime } from '@temporalio/worker';
import type { Command } from 'commander';

import { checkAgainst } from '../../activities/plan/resolve.ts';
import { MistakesError } from '../../policy/mistake.ts';
import { createLogger } from '../logger.ts';
import { metricsUrl, serveMetrics } from '../metrics.ts';
import type { Setup } from '../setup.ts';
import { findSetup } from '../setup.ts';
import type { TemporalOptions } from '../temporal.ts';
import { connectWorker } from '../temporal.ts';
import { createVacuumWorker } from '../vacuum-worker.ts';
import { DatabaseUnreachable, withDatabase } from './database.ts';
import type { SetupFlags } from './options.ts';
import { allowPercent, logLevel, withJson, withSetup, withTemporal } from './options.ts';
import { note, printJson } from './output.ts';

interface WorkerFlags extends SetupFlags, TemporalOptions {
  readonly allowPercent?: number;
  readonly logLevel: LogLevel;
  readonly metrics?: string;
}

/** `worker`: a worker that does nothing but vacuum, until it is told to go. */
export function addWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('work on runs until SIGINT or SIGTERM, which let the batch under way commit')
    .addOption(allowPercent())
    .addOption(logLevel('WARN'))
    .option(
      '--metrics <host:port>',
      'serve metrics for Prometheus, such as on 127.0.0.1:9464 (default: none)',
    )
    .action(async (flags: WorkerFlags) => work(flags));
  withJson(withTemporal(withSetup(command)));
}

async function work(flags: WorkerFlags): Promise<void> {
  const setup = await findSetup(flags);
  installRuntime(flags);
  await examinePolicies(setup);
  const { connection, namespace, address } = await connectWorker(flags);
  try {
    const { taskQueue } = setup;
    const worker = await createVacuumWorker({
      setup,
      connection,
      namespace,
      taskQueue,
      allowPercent: flags.allowPercent,
    });
    const running = worker.run();
    const policies = setup.policies.map((policy) => policy.name);
    const metrics = flags.metrics === undefined ? null : metricsUrl(flags.metrics);
    if (flags.json) printJson({ state: 'running', address, namespace, taskQueue, policies, metrics });
    else
      note(
        `working on task queue ${taskQueue} of ${address}, namespace ${namespace}: ${policies.join(', ')}`,
      );
    await running;
  } finally {
    await connection.close();
  }
}

function installRuntime({ logLevel: level, metrics }: WorkerFlags): void {
  const logger = createLogger(level);
  if (metrics === undefined) Runtime.install({ logger });
  else serveMetrics(metrics, (telemetryOptions) => Runtime.install({ logger, telemetryOptions }));
}

/** Says at once what every run of a policy would fail with. What is mended meanwhile needs no other worker. */
async function examinePolicies(setup: Setup): Promise<void> {
  for (const policy of setup.policies) {
    try {
      const passes = policy.passes.map((pass) => pass.name);
      await withDatabase(setup, policy, async ({ db }) => checkAgainst(db, policy, passes, 'execute'));
    } catch (error) {
      if (!(error instanceof MistakesError) && !(error instanceof DatabaseUnreachable)) throw error;
      note(`runs of policy ${policy.name} will fail until this is mended: ${error.message}`);
    }
  }
}
