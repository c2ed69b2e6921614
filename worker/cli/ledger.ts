import type { Command } from 'commander';

import { listLedgerAdvice } from '../../activities/ledger/ledger-advice.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import { closeByHand } from '../../activities/ledger/runs.ts';
import { ValidationError } from '../../policy/issue.ts';
import { findDatabaseSetup } from '../setup.ts';
import { withOnlyDatabase } from './database.ts';
import type { DatabaseFlags } from './options.ts';
import {
  databaseName,
  toNumber,
  readPolicyName,
  withJson,
  withPolicy,
  withPolicyOption,
  withSetup,
} from './options.ts';
import { note, print, printJson } from './output.ts';

/** `ledger`: creates, upgrades and repairs our own tables in the cleaned database. */
export function addLedger(program: Command): void {
  const ledger = program.command('ledger').description('our own tables in the cleaned database');
  const command = ledger
    .command('migrate')
    .description('create or upgrade them; workers do it themselves if their role may')
    .addOption(databaseName())
    .action(async (policy: string | undefined, flags: DatabaseFlags) =>
      migrate({ ...flags, policy: readPolicyName(policy, flags) }),
    );
  withJson(withSetup(withPolicy(command)));
  const close = ledger
    .command('close')
    .argument('<run>', 'the number of a run that is open', toNumber)
    .description(
      'close a run whose Temporal cluster no longer exists; a run that still works ends after its batch',
    )
    .addOption(databaseName())
    .action(async (run: number, flags: DatabaseFlags) => closeOpen(run, flags));
  withJson(withSetup(withPolicyOption(close, 'the policy whose database has the run')));
}

async function closeOpen(run: number, flags: DatabaseFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags, flags.policy);
  await withOnlyDatabase(setup, flags, async ({ ledger }) => {
    const report = (await ledger.version()) === 'missing' ? undefined : await readReport(ledger, run);
    if (report === undefined || report.status !== 'running') {
      const what = report === undefined ? 'the ledger does not have it' : `it is ${report.status} already`;
      const fix = 'Name one that `temporal-vacuum history` shows as running';
      throw new ValidationError('command', [{ at: `run ${run}`, what, fix }]);
    }
    await closeByHand(ledger, run);
    if (flags.json) printJson({ run, closed: true });
    else print(`run ${run} is closed; the policy is free`);
  });
}

async function migrate(flags: DatabaseFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags, flags.policy);
  await withOnlyDatabase(setup, flags, async ({ ledger }) => {
    const before = await ledger.version();
    await ledger.migrate();
    const result = { schema: ledger.schema, before, now: await ledger.version() };
    if (flags.json) printJson(result);
    else if (before === 'current') print(`the ledger in schema ${ledger.schema} is current`);
    else print(`the ledger in schema ${ledger.schema} is created or upgraded`);
    if (before !== 'current' && !flags.json) {
      for (const { what, fix } of await listLedgerAdvice(ledger.session)) note(`${what}. ${fix}`);
    }
    const grants = ledger.session.advice.suggestBackupGrants?.(ledger.schema);
    if (!flags.json && before !== 'current' && grants !== undefined) {
      note(`it has the holds, and belongs into backups. A role that makes them needs: ${grants}`);
    }
  });
}
