import { Client } from '@temporalio/client';
import type { Logger, LogLevel, Worker } from '@temporalio/worker';
import { Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import { Option } from 'commander';

import { checkAgainst } from '../../activities/plan/resolve-policy.ts';
import { describeDisabled } from '../../policy/describe-disabled.ts';
import { ValidationError } from '../../policy/issue.ts';
import { freePort } from '../dev-server.ts';
import type { HttpAddress } from '../http/address.ts';
import { resolveHttpAddress } from '../http/address.ts';
import type { HttpOptions, HttpServer } from '../http/index.ts';
import type { LogFormat } from '../logger.ts';
import { createLogger } from '../logger.ts';
import { metricsUrl, serveMetrics } from '../metrics.ts';
import type { Setup } from '../setup.ts';
import { findPolicy, findSetup } from '../setup.ts';
import type { TemporalOptions } from '../temporal.ts';
import { connectWorker } from '../temporal.ts';
import { createVacuumWorker } from '../vacuum-worker.ts';
import { applySchedules } from './apply-schedules.ts';
import { DatabaseUnreachable, withDatabase } from './database.ts';
import type { SetupFlags } from './options.ts';
import {
  allowPercent,
  logFormat,
  logLevel,
  readPolicyName,
  toWebUrl,
  withJson,
  withPolicy,
  withSetup,
  withTemporal,
} from './options.ts';
import { note, printJson } from './output.ts';

interface WorkerFlags extends SetupFlags, TemporalOptions {
  readonly allowPercent?: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly metrics?: string;
  readonly http?: string;
  readonly temporalUi?: string;
  readonly applySchedules: boolean;
}

/** `worker`: a worker that only runs vacuums, until SIGINT or SIGTERM. */
export function addWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('work on runs until SIGINT or SIGTERM, which let the current batch commit')
    .addOption(allowPercent())
    .addOption(logLevel('INFO'))
    .addOption(logFormat())
    .option(
      '--metrics <host:port>',
      'serve metrics for Prometheus, such as on 127.0.0.1:9464 (default: none)',
    )
    .option(
      '--http <host:port>',
      'serve a page, an API and metrics, such as on 127.0.0.1:8089; the token in VACUUM_HTTP_TOKEN lets it pause, resume and stop runs, and an address that other machines can reach needs it (default: none)',
    )
    .addOption(
      new Option(
        '--temporal-ui <url>',
        'the address of the Temporal UI, such as http://localhost:8233, for links of the page (default: no links)',
      ).argParser(toWebUrl),
    )
    .option(
      '--apply-schedules',
      'apply the schedules of all enabled policies first, as `schedule apply` does',
      false,
    )
    .action(async (policy: string | undefined, flags: WorkerFlags) =>
      work(readPolicyName(policy, flags), flags),
    );
  withJson(withTemporal(withSetup(withPolicy(command))));
}

async function work(name: string | undefined, flags: WorkerFlags): Promise<void> {
  const [setup, http, serveHttp] = await collectIssues(
    findWorkerSetup(flags, name),
    flags.http === undefined ? undefined : resolveHttpAddress(flags.http, process.env),
    flags.http === undefined ? undefined : loadServeHttp(),
  );
  // `GET /metrics` returns what an exporter serves, so that it needs one.
  const metrics = flags.metrics ?? (http === undefined ? undefined : `127.0.0.1:${await freePort()}`);
  const logger = createLogger(flags.logLevel, flags.logFormat);
  installRuntime(logger, metrics);
  await examinePolicies(setup);
  const { connection, namespace, address } = await connectWorker(flags);
  try {
    const { taskQueue } = setup;
    // Before there is a worker: one that was created and does not run would keep the process alive.
    if (flags.applySchedules) await applySchedules(new Client({ connection, namespace }), setup);
    const worker = await createVacuumWorker({
      setup,
      connection,
      namespace,
      taskQueue,
      allowPercent: flags.allowPercent,
    });
    const server =
      http === undefined || serveHttp === undefined || metrics === undefined
        ? undefined
        : await serveHttp({
            ...createHttpOptions(http, metricsUrl(metrics), setup, worker, logger),
            temporalUi: flags.temporalUi,
          });
    try {
      const running = worker.run();
      printRunning(flags, { address, namespace, taskQueue, setup, url: server?.url });
      await running;
    } finally {
      await server?.close();
    }
  } finally {
    await connection.close();
  }
}

/** A worker works for all policies of the configuration file, or for the one that is named. */
async function findWorkerSetup(flags: WorkerFlags, name: string | undefined): Promise<Setup> {
  const setup = await findSetup(flags, name);
  return name === undefined ? setup : { ...setup, policies: [findPolicy(setup, name)] };
}

/** The packages of `--http`: optional, because only this option needs them. */
const HTTP_PACKAGES = ['fastify@5', '@fastify/swagger@9'];

/** Loads the server. Throws a `ValidationError` that names the packages to install if they are missing. */
async function loadServeHttp(): Promise<(options: HttpOptions) => Promise<HttpServer>> {
  try {
    // oxlint-disable-next-line typescript/no-restricted-imports -- Only this option loads fastify.
    const { serveHttp } = await import('../http/index.ts');
    return serveHttp;
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing || !error.message.includes('fastify')) throw error;
    const what = 'it needs the packages fastify and @fastify/swagger';
    const fix = `Install them: npm install ${HTTP_PACKAGES.join(' ')}`;
    throw new ValidationError('command', [{ at: '--http', what, fix }]);
  }
}

function createHttpOptions(
  address: HttpAddress,
  metrics: string,
  { databases, policies, ledgerSchema }: Setup,
  worker: Worker,
  logger: Logger,
): HttpOptions {
  const { client } = worker;
  if (client === undefined) throw new Error('the worker has no client');
  const onError = (request: string, error: unknown): void => {
    logger.error(`${request} failed unexpectedly; level debug has the error`);
    logger.debug(`${request} failed`, { error });
  };
  return { address, databases, policies, ledgerSchema, worker, client, metrics, onError };
}

function printRunning(
  { json, metrics: given }: WorkerFlags,
  {
    address,
    namespace,
    taskQueue,
    setup,
    url,
  }: {
    readonly address: string;
    readonly namespace: string;
    readonly taskQueue: string;
    readonly setup: Setup;
    readonly url: string | undefined;
  },
): void {
  const policies = setup.policies.map((policy) => policy.name);
  if (json) {
    const metrics = given === undefined ? null : metricsUrl(given);
    printJson({ state: 'running', address, namespace, taskQueue, policies, metrics, http: url ?? null });
    return;
  }
  if (url !== undefined) note(`the page is on ${url}`);
  note(`working on task queue ${taskQueue} of ${address}, namespace ${namespace}: ${policies.join(', ')}`);
}

function installRuntime(logger: Logger, metrics: string | undefined): void {
  if (metrics === undefined) Runtime.install({ logger });
  else serveMetrics(metrics, (telemetryOptions) => Runtime.install({ logger, telemetryOptions }));
}

/** Prints what every run of a policy would fail with. A correction in the database needs no restart of the worker. */
async function examinePolicies(setup: Setup): Promise<void> {
  for (const policy of setup.policies) {
    if (!policy.enabled) note(describeDisabled(policy));
    try {
      const passes = policy.passes.map((pass) => pass.name);
      await withDatabase(setup, policy, async ({ session }) =>
        checkAgainst(session, policy, passes, 'execute'),
      );
    } catch (error) {
      if (!(error instanceof ValidationError) && !(error instanceof DatabaseUnreachable)) throw error;
      note(`runs of policy ${policy.name} will fail until this is corrected: ${error.message}`);
    }
  }
}

/** Waits for all checks, and throws their issues as one `ValidationError`. */
async function collectIssues<T extends readonly unknown[]>(
  ...checks: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ended = await Promise.allSettled(checks);
  const failures = ended.filter((one) => one.status === 'rejected').map((one): unknown => one.reason);
  const [first] = failures;
  if (failures.length > 1 && failures.every((failure) => failure instanceof ValidationError)) {
    throw new ValidationError(
      'command',
      failures.flatMap((failure) => failure.issues),
    );
  }
  if (failures.length > 0) throw first;
  return ended.map((one) => (one.status === 'fulfilled' ? one.value : undefined)) as {
    -readonly [K in keyof T]: Awaited<T[K]>;
  };
}
