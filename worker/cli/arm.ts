import type { Command } from 'commander';

import { arm } from '../../activities/ledger/guards.ts';
import { findDatabaseSetup } from '../setup.ts';
import { withOnlyLedger } from './database.ts';
import type { DatabaseFlags } from './options.ts';
import { databaseName, withJson, withSetup } from './options.ts';
import { print, printJson } from './output.ts';

/** `arm`: lets runs begin again after a guard found another database than the one that the last run cleaned. */
export function addArm(program: Command): void {
  const command = program
    .command('arm')
    .argument('[policy]', 'only this policy (default: all that are disarmed)')
    .description(
      'let runs begin again that are disarmed: after a restored backup or a move to another server',
    )
    .addOption(databaseName())
    .action(async (policy: string | undefined, flags: DatabaseFlags) => armPolicies(policy, flags));
  withJson(withSetup(command));
}

async function armPolicies(policy: string | undefined, flags: DatabaseFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags);
  const armed = await withOnlyLedger(setup, flags.database, [], async (ledger) => arm(ledger, policy));
  if (flags.json) printJson(armed);
  else if (armed.length === 0)
    print(policy === undefined ? 'no policy is disarmed' : `policy ${policy} is not disarmed`);
  for (const { policy: name, reasons } of flags.json ? [] : armed) {
    print(`policy ${name} is armed: its runs delete again; it was disarmed because ${reasons.join('; ')}`);
  }
}
