import type { Command } from 'commander';

import type { Stats } from '../../activities/inspect/stats.ts';
import { readStats } from '../../activities/inspect/stats.ts';
import type { TableRange } from '../../activities/inspect/table-ranges.ts';
import { readTableRanges } from '../../activities/inspect/table-ranges.ts';
import { countBytes } from '../../activities/ledger/reports.ts';
import { findPolicy, findSetup } from '../setup.ts';
import { withDatabase } from './database.ts';
import type { SetupFlags } from './options.ts';
import { readPolicyName, withJson, withPolicy, withSetup } from './options.ts';
import { countNouns, formatMinute, print, printJson, printTable, formatBytes, strong } from './output.ts';
import { printCurrentBacklogs } from './print-backlog.ts';
import { printSizes } from './print-sizes.ts';
import { runUntilInterrupted } from './run-until-interrupted.ts';

interface StatsFlags extends SetupFlags {
  readonly exact: boolean;
}

/** `stats`: the sizes of the tables of a policy, their backlog, and what holds vacuum back. */
export function addStats(program: Command): void {
  const command = program
    .command('stats')
    .description(
      'sizes, dead rows and bloat of the tables of a policy, the rows that are past their time, and what holds vacuum back; needs no Temporal',
    )
    .option(
      '--exact',
      'count all rows and those that are past their time, and measure bloat with pgstattuple_approx if it is installed; this reads the tables',
      false,
    )
    .action(async (policy: string | undefined, flags: StatsFlags) =>
      stats(readPolicyName(policy, flags), flags),
    );
  withJson(withSetup(withPolicy(command)));
}

async function stats(name: string | undefined, flags: StatsFlags): Promise<void> {
  const setup = await findSetup(flags, name);
  const policy = findPolicy(setup, name);
  const found = await runUntilInterrupted(
    async (signal) =>
      withDatabase(setup, policy, async (database) => {
        const measured = await readStats(database, policy, flags.exact, signal);
        return flags.exact
          ? { ...measured, ranges: await readTableRanges(database.session, policy, signal) }
          : measured;
      }),
    'cancelled; the database measures no more',
  );
  if (found === undefined) return;
  if (flags.json) printJson(found);
  else printStats(found);
}

function printStats(found: Stats & { readonly ranges?: readonly TableRange[] }): void {
  const { policy, tables, backlog, noExtension, vacuumBlockers, hidden, ranges = [] } = found;
  const bytes = tables.reduce((sum, table) => sum + countBytes(table), 0);
  print(
    `${strong('stats')} of policy ${policy}: ${countNouns(tables.length, 'table')}, ${formatBytes(bytes)}\n`,
  );
  printSizes(tables);
  printRanges(ranges);
  printCurrentBacklogs(backlog);
  if (noExtension) {
    print(
      '\nBloat is an estimate: extension pgstattuple is not in the database, or the role may not use it. ' +
        'An owner can `create extension pgstattuple;` and `grant pg_stat_scan_tables to` the role',
    );
  }
  print('');
  if (vacuumBlockers.length === 0) print('nothing holds vacuum back');
  for (const { kind, name, seconds, transactions, detail, fix } of vacuumBlockers) {
    const age = seconds === null ? '' : ` for ${Math.round(seconds)} s`;
    print(
      `${kind} ${name} (${detail}) holds vacuum back${age}; ${countNouns(transactions, 'transaction')} began since`,
    );
    print(`    ${fix}`);
  }
  if (hidden) {
    print(
      'Sessions of other roles were hidden: `grant pg_read_all_stats to` the role shows whether they hold back',
    );
  }
}

function printRanges(ranges: readonly TableRange[]): void {
  if (ranges.length === 0) return;
  print('');
  printTable(
    ['table', 'rows', 'oldest (UTC)', 'newest (UTC)', 'passes'],
    ranges.map(({ table, rows, oldest, newest, passes }) => [
      table,
      rows,
      formatMinute(oldest),
      formatMinute(newest),
      passes.length,
    ]),
  );
}
