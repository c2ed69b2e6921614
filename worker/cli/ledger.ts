import type { Command } from 'commander';

import { findDatabaseSetup } from '../setup.ts';
import { withOnlyDatabase } from './database.ts';
import type { SetupFlags } from './options.ts';
import { withJson, withSetup } from './options.ts';
import { print, printJson } from './output.ts';

interface LedgerFlags extends SetupFlags {
  readonly database?: string;
}

/** `ledger migrate`: makes or upgrades our own tables in the cleaned database. */
export function addLedger(program: Command): void {
  const ledger = program.command('ledger').description('our own tables in the cleaned database');
  const command = ledger
    .command('migrate')
    .description('make or upgrade them; workers do it themselves where their role may')
    .option('--database <name>', 'the database of the configuration file, where it has several')
    .action(async (flags: LedgerFlags) => migrate(flags));
  withJson(withSetup(command));
}

async function migrate(flags: LedgerFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags);
  await withOnlyDatabase(setup, flags.database, async ({ ledger }) => {
    const before = await ledger.version();
    await ledger.migrate();
    const answer = { schema: ledger.schema, before, now: await ledger.version() };
    if (flags.json) printJson(answer);
    else if (before === 'current') print(`the ledger in schema ${ledger.schema} is current`);
    else print(`the ledger in schema ${ledger.schema} is made or upgraded`);
  });
}
