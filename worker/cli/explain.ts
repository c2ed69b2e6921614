import type { Command } from 'commander';

import type { Explanation, PassExplanation, Reason } from '../../activities/inspect/explain.ts';
import { explainRow } from '../../activities/inspect/explain.ts';
import type { StayReason } from '../../activities/stored/stay-reason.ts';
import { describeDisabled } from '../../policy/describe-disabled.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import { findPolicy, findSetup } from '../setup.ts';
import { withDatabase } from './database.ts';
import type { SetupFlags } from './options.ts';
import { withJson, withPolicyOption, withSetup } from './options.ts';
import { coloured, print, printJson, strong } from './output.ts';

interface ExplainFlags extends SetupFlags {
  readonly policy?: string;
}

/** `explain`: why a row stays or is deletable. */
export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .argument('<entity>', 'an entity of the policy, or its table')
    .argument('<key>', "the primary key of the row; of several columns 'order=7,line=2'")
    .description('which pass would delete a row now, or why it stays and until when; deletes nothing')
    .action(async (entity: string, key: string, flags: ExplainFlags) => explain(entity, key, flags));
  withJson(withSetup(withPolicyOption(command)));
}

async function explain(entity: string, key: string, flags: ExplainFlags): Promise<void> {
  const setup = await findSetup(flags, flags.policy);
  const policy = findPolicy(setup, flags.policy);
  const found = await withDatabase(setup, policy, async (database) =>
    explainRow(database, policy, entity, key),
  );
  if (flags.json) printJson(found);
  else printExplanation(found);
}

function printExplanation(found: Explanation): void {
  const { entity, key, goesBy, passes, notApplicable, enabled, holdsUnknown } = found;
  const row = strong(`${entity} ${key}`);
  if (!found.found) print(`${row} does not exist`);
  else if (goesBy !== null) print(`${row} ${coloured('red', 'goes')} by pass ${goesBy}`);
  else print(`${row} ${coloured('green', 'stays')}`);
  if (found.found && passes.length === 0) print('  no pass of the policy is about it');
  for (const pass of passes) printPass(pass);
  for (const name of notApplicable) print(`  pass ${name} is not applicable: its tables are not there`);
  if (!enabled) print(`  ${describeDisabled({ name: found.policy })}`);
  if (holdsUnknown) print('  holds were not looked at: the role may not read the ledger');
}

function printPass({ pass, role, table, goes, reasons, from }: PassExplanation): void {
  const what = role === 'row' ? '' : `, along with a row of ${table}`;
  if (goes) print(`  pass ${pass} takes it${what}`);
  else {
    print(`  pass ${pass} leaves it${what}: ${reasons.map(formatReason).join('; ')}`);
    if (from !== null) print(`    it may go from ${formatInstant(from)} on`);
  }
}

const REASONS: Readonly<Record<StayReason, string>> = {
  'too-young': 'too young',
  'young-partition': 'its partition is not old enough as a whole',
  'open-partition': 'its partition has no upper bound, and is never dropped',
  'no-age': 'it has no age',
  'kept-for-ever': 'its retention has no end',
  'filter-mismatch': 'the filter of the pass does not name it',
  nested: 'it belongs to another row that is there',
  'kept-newest': 'one of the newest of its group',
  held: 'held',
  'no-parent': 'it names no parent',
  'parent-exists': 'its parent is there',
  chained: 'a row of its own kind that stays references it',
  referenced: 'something points at it',
  'points-at-a-row': 'what it points at is there, or something that it can be moved to',
  locked: 'another session has it locked now',
  other: 'the condition of the pass does not hold',
};

function formatReason({ why, from }: Reason): string {
  return from === null ? REASONS[why] : `${REASONS[why]} until ${formatInstant(from)}`;
}
