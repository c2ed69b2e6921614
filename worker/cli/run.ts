import type { WorkflowHandle } from '@temporalio/client';
import type { LogLevel } from '@temporalio/worker';
import { Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import { Option } from 'commander';

import type { RunStatus, VacuumInput } from '../../activities/contract.ts';
import type { Database } from '../../activities/ledger/database.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import { findConnectionIssues } from '../../activities/plan/connection-issues.ts';
import { checkAgainst } from '../../activities/plan/resolve-policy.ts';
import { FAILURE } from '../../activities/run/failure.ts';
import { assertValid } from '../../policy/issue.ts';
import { selectPassesWith } from '../find-mistakes.ts';
import type { LogFormat } from '../logger.ts';
import { createLogger } from '../logger.ts';
import type { RunOutcome } from '../run-once.ts';
import { cancelRun, runOnce } from '../run-once.ts';
import { findPolicy, findSetup } from '../setup.ts';
import { withDatabase } from './database.ts';
import { EXIT } from './exit-code.ts';
import { followRun } from './follow-run.ts';
import type { SetupFlags } from './options.ts';
import {
  allowPercent,
  collect,
  logFormat,
  logLevel,
  readPolicyName,
  withDetails,
  withJson,
  withPolicy,
  withSetup,
} from './options.ts';
import { note, printJson } from './output.ts';
import { formatPreviewCommand } from './preview-command.ts';
import type { PrintedReport } from './print-report.ts';
import { printReport, toPrinted, withoutLedger } from './print-report.ts';

interface RunFlags extends SetupFlags {
  readonly execute: boolean;
  readonly temporal?: string;
  readonly namespace?: string;
  readonly pass: readonly string[];
  readonly ifBusy?: 'skip' | 'wait' | 'fail';
  readonly allowPercent?: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly details: boolean;
}

/** `run`: one run with a worker in this process. */
export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('run a policy once, with a worker inside the command; counts only, unless --execute')
    .option('--execute', 'delete; without it the run is a preview', false)
    .option('--temporal <where>', '`dev` starts a Temporal dev server for the run; else HOST:PORT')
    .option(
      '--namespace <name>',
      'the namespace (default: TEMPORAL_NAMESPACE or temporal.toml, then default)',
    )
    .option('--pass <name>', 'only this pass; may be repeated', collect, [])
    .addOption(
      new Option(
        '--if-busy <what>',
        'what to do if another run of the policy is open (default: skip)',
      ).choices(['skip', 'wait', 'fail']),
    )
    .addOption(allowPercent())
    .addOption(logLevel('ERROR'))
    .addOption(logFormat())
    .action(async (policy: string | undefined, flags: RunFlags) =>
      runOnceFor(readPolicyName(policy, flags), flags),
    );
  withJson(withDetails(withSetup(withPolicy(command))));
}

async function runOnceFor(name: string | undefined, flags: RunFlags): Promise<void> {
  const setup = await findSetup(flags, name);
  const policy = findPolicy(setup, name);
  const input: VacuumInput = {
    policy: policy.name,
    mode: flags.execute ? 'execute' : 'preview',
    ...(flags.pass.length === 0 ? {} : { passes: flags.pass }),
    ...(flags.ifBusy === undefined ? {} : { ifBusy: flags.ifBusy }),
  };
  const passes = await selectPassesWith(policy, input, async (work) => withDatabase(setup, policy, work));
  await withDatabase(setup, policy, async (database) => {
    // These messages name tables. The messages of the activity must not, because they travel through Temporal.
    await checkAgainst(database.session, policy, passes, input.mode ?? 'execute');
    if (flags.execute) {
      const issues = await findConnectionIssues(database.session, policy, passes);
      assertValid(`policy ${JSON.stringify(policy.name)}`, issues);
    }
    await database.ledger.migrate();
    Runtime.install({ logger: createLogger(flags.logLevel, flags.logFormat), shutdownSignals: [] });
    const follower = new Follower(database, flags.json);
    try {
      const temporal =
        flags.temporal === 'dev' ? 'dev' : { address: flags.temporal, namespace: flags.namespace };
      const onStarted = (handle: WorkflowHandle): void => follower.start(handle);
      const outcome = await runOnce({
        setup,
        database,
        input,
        temporal,
        onStarted,
        allowPercent: flags.allowPercent,
      });
      await follower.end();
      await printOutcome(database, outcome, follower.workflowId, flags);
      if (isGuarded(outcome)) {
        note(`To look at what it would delete:\n  ${formatPreviewCommand(policy.name, flags)}`);
      }
    } finally {
      await follower.end();
    }
  });
}

async function printOutcome(
  { ledger }: Database,
  outcome: RunOutcome,
  workflowId: string,
  flags: RunFlags,
): Promise<void> {
  const number = await ledger.session.ledger.runs.findLastOf(workflowId);
  const report = number === undefined ? undefined : await readReport(ledger, number);
  if (report !== undefined) {
    printRun(toPrinted(report), flags);
    process.exitCode = isGuarded(outcome) ? EXIT.guarded : toExitCode(report.status);
  } else if ('report' in outcome) {
    printRun(withoutLedger(outcome.report), flags);
    process.exitCode = toExitCode(outcome.report.status);
  } else if ('failure' in outcome) {
    note(outcome.failure.message);
    const { type } = outcome.failure;
    process.exitCode =
      type === FAILURE.input ? EXIT.issue : type === FAILURE.busy ? EXIT.nothing : EXIT.failed;
  } else {
    note(`the run was ${outcome.ended} before it began`);
    process.exitCode = EXIT.unfinished;
  }
}

function isGuarded(outcome: RunOutcome): boolean {
  return 'failure' in outcome && outcome.failure.type === FAILURE.guard;
}

function printRun(report: PrintedReport, { json, details }: RunFlags): void {
  if (json) printJson(report);
  else printReport(report, details);
}

function toExitCode(status: RunStatus): number {
  switch (status) {
    case 'completed':
      return EXIT.done;
    case 'failed':
      return EXIT.failed;
    case 'stopped-by-guard':
      return EXIT.guarded;
    case 'skipped':
    case 'disabled':
      return EXIT.nothing;
    case 'running':
    case 'stopped':
    case 'cancelled':
    case 'terminated':
      return EXIT.unfinished;
  }
}

/** Shows the progress of a run, and cancels it on SIGINT or SIGTERM. */
class Follower {
  workflowId = '';
  readonly #database: Database;
  readonly #quiet: boolean;
  readonly #ended = new AbortController();
  #following: Promise<void> | undefined;
  #interrupt: (() => void) | undefined;

  constructor(database: Database, quiet: boolean) {
    this.#database = database;
    this.#quiet = quiet;
  }

  start(handle: WorkflowHandle): void {
    this.workflowId = handle.workflowId;
    this.#interrupt = () => {
      note('ending the run after its current batch; press Ctrl-C again to exit at once');
      this.#forget();
      process.once('SIGINT', () => process.exit(128 + 2));
      void cancelRun(handle);
    };
    process.on('SIGINT', this.#interrupt);
    process.on('SIGTERM', this.#interrupt);
    if (this.#quiet) return;
    this.#following = followRun(this.#database.ledger, handle.workflowId, this.#ended.signal);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    this.#forget();
    await this.#following;
  }

  #forget(): void {
    if (this.#interrupt === undefined) return;
    process.off('SIGINT', this.#interrupt);
    process.off('SIGTERM', this.#interrupt);
    this.#interrupt = undefined;
  }
}
