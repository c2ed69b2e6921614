import type { Command } from 'commander';

import { acknowledge } from '../../activities/ledger/guards.ts';
import { findPastSetup } from '../setup.ts';
import { withMigrated } from './database.ts';
import type { DatabaseFlags } from './options.ts';
import { databaseName, readPolicyName, withJson, withPolicyOption, withSetup } from './options.ts';
import { print, printJson } from './output.ts';
import { withPastDatabase } from './past-database.ts';

/** `acknowledge`: lets runs begin again after a guard found another database than the one that the last run cleaned. */
export function addAcknowledge(program: Command): void {
  const command = program
    .command('acknowledge')
    .argument('[policy]', 'only this policy (default: all that are blocked)')
    .description(
      'let runs of blocked policies begin again: after a restored backup or a move to another server',
    )
    .addOption(databaseName())
    .action(async (policy: string | undefined, flags: DatabaseFlags) =>
      acknowledgePolicies(readPolicyName(policy, flags), flags),
    );
  withJson(withSetup(withPolicyOption(command, 'the same as the argument')));
}

async function acknowledgePolicies(policy: string | undefined, flags: DatabaseFlags): Promise<void> {
  const past = await findPastSetup(flags, policy);
  const blocked = await withPastDatabase(past, flags.database, async ({ ledger }) =>
    withMigrated(ledger, [], async () => acknowledge(ledger, policy)),
  );
  if (flags.json) printJson(blocked);
  else if (blocked.length === 0)
    print(policy === undefined ? 'no policy is blocked' : `policy ${policy} is not blocked`);
  for (const { policy: name, reasons } of flags.json ? [] : blocked) {
    print(
      `policy ${name} is no longer blocked: its runs delete again; it was blocked because ${reasons.join('; ')}`,
    );
  }
}
