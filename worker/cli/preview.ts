import type { Command } from 'commander';

import { formatSchemas } from '../../activities/dialect/table-names.ts';
import type { Preview } from '../../activities/inspect/preview.ts';
import { addUp } from '../../activities/ledger/reports.ts';
import type { RowsByTable, PreviewedPass } from '../../activities/stored/report.ts';
import { describeDisabled } from '../../policy/describe-disabled.ts';
import { listNames } from '../../policy/fold-alike.ts';
import { selectPassesWith } from '../find-mistakes.ts';
import { findPolicy, findSetup } from '../setup.ts';
import { previewAndStore } from '../store-preview.ts';
import { withDatabase } from './database.ts';
import { printForPasses } from './fold-sentences.ts';
import type { SetupFlags } from './options.ts';
import { collect, readPolicyName, withDetails, withJson, withPolicy, withSetup } from './options.ts';
import {
  countNouns,
  formatBytes,
  formatCount,
  formatMinute,
  note,
  print,
  printJson,
  printMost,
  printTable,
  strong,
} from './output.ts';
import { countRemoved, printHeld, printReported } from './print-report.ts';
import { runUntilInterrupted } from './run-until-interrupted.ts';

interface PreviewFlags extends SetupFlags {
  readonly pass: readonly string[];
  readonly details: boolean;
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
  withJson(withDetails(withSetup(withPolicy(command))));
}

async function runPreview(name: string | undefined, flags: PreviewFlags): Promise<void> {
  const setup = await findSetup(flags, name);
  const policy = findPolicy(setup, name);
  const request = flags.pass.length === 0 ? {} : { passes: flags.pass };
  const passes = await selectPassesWith(policy, request, async (work) => withDatabase(setup, policy, work));
  const result = await runUntilInterrupted(
    async (signal) =>
      withDatabase(setup, policy, async (database) => previewAndStore(database, policy, passes, signal)),
    'cancelled; the database counts no more',
  );
  if (result === undefined) return;
  const { preview, notStored } = result;
  if (flags.json) printJson({ ...preview, passes: preview.passes.map(toPrinted), ...addTotals(preview) });
  else printPreview(preview, flags.details);
  if (notStored !== undefined) note(`not kept in the ledger, ${notStored}`);
  if (flags.json) return;
  if (notStored === undefined) {
    print(
      '\nThe ledger keeps this preview: for 24 hours runs with these settings may delete what it shows and half as much again',
    );
  }
  if (!policy.enabled) print(`\nBy the settings of this command, ${describeDisabled(policy)}`);
}

/** Where tables are unless somebody chose a schema, in PostgreSQL and SQLite. */
const USUAL_SCHEMAS: ReadonlySet<string> = new Set(['public', 'main']);

const MEANING = {
  'at most': 'the most that',
  'at least': 'the least that',
  about: 'not exactly those that',
} as const;

function printPreview(preview: Preview, details: boolean): void {
  const total = addTotals(preview);
  const unusual = preview.schemas.some((schema) => !USUAL_SCHEMAS.has(schema));
  const where = unusual ? ` in ${formatSchemas(preview.schemas)}` : '';
  print(
    `${strong('preview')} of policy ${preview.policy}${where}: ${countRemoved(total)} would go, nothing was deleted`,
  );
  const { tables } = preview;
  if (tables.length > 0) {
    print('');
    printMost(
      ['table', 'rows that would go', 'bytes, about'],
      tables.map(({ table, rows: ofTable, bytes }) => [table, ofTable, formatBytes(bytes)]),
      'table',
      details,
    );
  }
  print('');
  if (details) printAllPasses(preview);
  else printBusyPasses(preview);
  printReported(preview.passes, true, details);
  printHeld(preview.passes, details);
  printForPasses(preview.passes.flatMap(describeOpenQuestions), details);
  if (preview.holdsUnknown) {
    print('\nThe role may not read the ledger: rows that holds keep are counted as if they would go');
  }
}

/** Rows that never expire, why the counts of a pass are bounds, and what it leaves behind. */
function describeOpenQuestions({
  name: pass,
  undated,
  bounds,
  left,
}: PreviewedPass): { pass: string; text: string }[] {
  const ageless =
    undated === 0 ? [] : [`matching rows without an age, which never expire: ${formatCount(undated)}`];
  const doubts = bounds.map(
    ({ rows, why, here }) => `the rows are ${MEANING[rows]} a run deletes: ${why} (${here})`,
  );
  return [...ageless, ...doubts, ...left].map((text) => ({ pass, text }));
}

/** Prints the passes that would delete or move something; those with the most rows first if there are many. */
function printBusyPasses({ passes }: Preview): void {
  const busy = passes.filter(({ rows, moved }) => rows > 0 || moved > 0);
  // What a pass does with files stands below, in a sentence of its own.
  const idle = passes
    .filter((pass) => pass.applicable && pass.files === 0 && !busy.includes(pass))
    .map(({ name }) => name);
  const missing = passes.filter(({ applicable }) => !applicable).map(({ name }) => name);
  const moves = busy.some(({ moved }) => moved > 0);
  const sorted = busy.length > 15 ? busy.toSorted((a, b) => b.rows - a.rows) : busy;
  if (busy.length > 0) {
    printMost(
      ['pass', 'rows', ...(moves ? ['moved'] : []), 'from (UTC)', 'to (UTC)'],
      sorted.map(({ name, rows, moved, oldest, newest }) => [
        name,
        rows,
        ...(moves ? [moved] : []),
        formatMinute(oldest),
        formatMinute(newest),
      ]),
      'pass',
      false,
    );
  }
  if (idle.length > 0) print(`${countNouns(idle.length, 'pass')} would delete nothing: ${listNames(idle)}`);
  if (missing.length > 0)
    print(`${countNouns(missing.length, 'pass')} not applicable: ${listNames(missing)}`);
}

function printAllPasses({ passes }: Preview): void {
  printTable(
    ['pass', 'scan', 'shards', 'rows', 'moved', 'from (UTC)', 'to (UTC)'],
    passes.map(({ name, plan, applicable, rows, moved, oldest, newest }) => [
      name,
      applicable ? (plan.scan ?? '') : 'not-applicable',
      plan.shards.length,
      rows,
      moved,
      formatMinute(oldest),
      formatMinute(newest),
    ]),
  );
  const byTable = passes.flatMap(({ name, deleted }) =>
    Object.entries(deleted).map(([table, ofTable]) => [name, table, ofTable]),
  );
  if (byTable.length === 0) return;
  print('');
  printTable(['pass', 'table', 'rows that would go'], byTable);
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
