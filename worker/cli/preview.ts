import type { Command } from 'commander';

import type { Preview } from '../../activities/inspect/preview.ts';
import { addUp } from '../../activities/ledger/reports.ts';
import type { RowsByTable, PreviewedPass } from '../../activities/stored/report.ts';
import { selectPasses } from '../select-passes.ts';
import { findPolicy, findSetup } from '../setup.ts';
import { previewAndStore } from '../store-preview.ts';
import { withDatabase } from './database.ts';
import type { SetupFlags } from './options.ts';
import { collect, readPolicyName, withJson, withPolicy, withSetup } from './options.ts';
import { note, print, printJson, printTable, formatBytes, formatCount, strong } from './output.ts';
import { printHeld, printReported } from './print-report.ts';
import { runUntilInterrupted } from './run-until-interrupted.ts';

interface PreviewFlags extends SetupFlags {
  readonly pass: readonly string[];
}

/** `preview`: exact counts in a read-only transaction, without Temporal. Kept in the ledger, if there is one. */
export function addPreview(program: Command): void {
  const command = program
    .command('preview')
    .description('count what a run would delete now, cascades included; deletes nothing, needs no Temporal')
    .option('--pass <name>', 'only this pass; may be repeated', collect, [])
    .action(async (policy: string | undefined, flags: PreviewFlags) =>
      runPreview(readPolicyName(policy, flags), flags),
    );
  withJson(withSetup(withPolicy(command)));
}

async function runPreview(name: string | undefined, flags: PreviewFlags): Promise<void> {
  const setup = await findSetup(flags, name);
  const policy = findPolicy(setup, name);
  const passes = selectPasses(policy, flags.pass.length === 0 ? {} : { passes: flags.pass });
  const result = await runUntilInterrupted(
    async (signal) =>
      withDatabase(setup, policy, async (database) => previewAndStore(database, policy, passes, signal)),
    'cancelled; the database counts no more',
  );
  if (result === undefined) return;
  const { preview, notStored } = result;
  if (flags.json) printJson({ ...preview, passes: preview.passes.map(toPrinted), ...addTotals(preview) });
  else printPreview(preview);
  if (notStored !== undefined) note(`not kept in the ledger, ${notStored}`);
  else if (!flags.json) {
    print(
      '\nThe ledger keeps this preview: for 24 hours runs with these settings may delete what it shows and half as much again',
    );
  }
}

/** Where tables are unless somebody chose a schema, in PostgreSQL and SQLite. */
const USUAL_SCHEMAS: ReadonlySet<string> = new Set(['public', 'main']);

function printPreview(preview: Preview): void {
  const { rows } = addTotals(preview);
  const unusual = preview.schemas.some((schema) => !USUAL_SCHEMAS.has(schema));
  const where = unusual ? ` in schema ${preview.schemas.join(', ')}` : '';
  print(
    `${strong('preview')} of policy ${preview.policy}${where}: ${formatCount(rows)} rows would go, nothing was deleted`,
  );
  print('');
  printTable(
    ['pass', 'scan', 'shards', 'rows', 'moved', 'from', 'to'],
    preview.passes.map(({ name, plan, applicable, rows: ofPass, moved, oldest, newest }) => [
      name,
      applicable ? (plan.scan ?? '') : 'not-applicable',
      plan.shards.length,
      ofPass,
      moved,
      oldest ?? '',
      newest ?? '',
    ]),
  );
  printReported(preview.passes, true);
  printHeld(preview.passes);
  for (const { name: pass, undated } of preview.passes) {
    if (undated === 0) continue;
    print(`\n${strong(pass)}: ${formatCount(undated)} rows match and have no age, so that they never expire`);
  }
  if (preview.holdsUnknown) {
    print('\nThe role may not read the ledger: rows that holds keep are counted as if they would go');
  }
  const byTable = preview.passes.flatMap((pass) =>
    Object.entries(pass.deleted).map(([table, ofTable]) => [pass.name, table, ofTable]),
  );
  if (byTable.length === 0) return;
  print('');
  printTable(['pass', 'table', 'rows that would go'], byTable);
  print('');
  printTable(
    ['table', 'rows that would go', 'bytes, about'],
    preview.tables.map(({ table, rows: ofTable, bytes }) => [table, ofTable, formatBytes(bytes)]),
  );
}

/** A pass in the JSON output, without the bounds of its shards. */
function toPrinted({ plan, settingsHash: _hash, ...pass }: PreviewedPass): object {
  return { ...pass, scan: plan.scan, shards: plan.shards.length };
}

function addTotals({ passes }: Preview): {
  rows: number;
  deleted: RowsByTable;
  files: number;
  spaceReclaimed: number;
} {
  return {
    rows: passes.reduce((sum, pass) => sum + pass.rows, 0),
    deleted: addUp(passes.map((pass) => pass.deleted)),
    files: passes.reduce((sum, pass) => sum + pass.files, 0),
    spaceReclaimed: passes.reduce((sum, pass) => sum + pass.bytes, 0),
  };
}
