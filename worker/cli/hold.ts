import { userInfo } from 'node:os';

import type { Command } from 'commander';

import type { HoldRequest } from '../../activities/inspect/add-hold.ts';
import { addHold } from '../../activities/inspect/add-hold.ts';
import type { Hold } from '../../activities/stored/hold.ts';
import { parseDuration } from '../../policy/duration.ts';
import type { Issue } from '../../policy/issue.ts';
import { ValidationError, assertValid } from '../../policy/issue.ts';
import { findDatabaseSetup, findPolicy, findSetup } from '../setup.ts';
import { withDatabase, withOnlyLedger } from './database.ts';
import type { DatabaseFlags, SetupFlags } from './options.ts';
import { databaseName, toNumber, withJson, withPolicyOption, withSetup } from './options.ts';
import { formatMinute, note, print, printJson, printTable } from './output.ts';

interface AddFlags extends SetupFlags {
  readonly policy?: string;
  readonly filter?: string;
  readonly reason: string;
  readonly who?: string;
  readonly until?: string;
}

/** `hold`: rows that no pass may delete. */
export function addHolds(program: Command): void {
  const hold = program.command('hold').description('rows that no pass may delete');
  const add = hold
    .command('add')
    .argument('<entity>', 'an entity of the policy, or its table')
    .argument('[key]', "the primary key of the row; of several columns 'order=7,line=2'")
    .description('hold a row, or all rows that match a filter; returns when no pass can delete them any more')
    .requiredOption('--reason <text>', 'why')
    .option('--filter <json>', 'the rows, in the format of a `where` of a policy, instead of a key')
    .option('--who <name>', 'who asks for it (default: the user of this machine)')
    .option(
      '--until <when>',
      'an instant like 2027-01-31T00:00:00Z, or a duration like 90d (default: no end)',
    )
    .action(async (entity: string, key: string | undefined, flags: AddFlags) => runAdd(entity, key, flags));
  withJson(withSetup(withPolicyOption(add, 'the policy that has the entity, if there are several')));
  const list = hold
    .command('list')
    .description('the holds, the newest first')
    .addOption(databaseName())
    .action(async (flags: DatabaseFlags) => runList(flags));
  withJson(withSetup(withPolicyOption(list, 'the policy whose database has the holds')));
  const remove = hold
    .command('remove')
    .argument('<hold>', 'the number of a hold', toNumber)
    .description('end a hold; passes may delete its rows again')
    .addOption(databaseName())
    .action(async (id: number, flags: DatabaseFlags) => runRemove(id, flags));
  withJson(withSetup(withPolicyOption(remove, 'the policy whose database has the hold')));
}

async function runAdd(entity: string, key: string | undefined, flags: AddFlags): Promise<void> {
  const request = readRequest(entity, key, flags);
  const setup = await findSetup(flags, flags.policy);
  const policy = findPolicy(setup, flags.policy);
  const added = await withDatabase(setup, policy, async (database) => addHold(database, policy, request));
  if (flags.json) printJson(added);
  else print(`hold ${added.id} is in force`);
  if (added.gone) {
    note(`${entity} ${key} was deleted while the hold was being added: there is nothing left to hold`);
  }
  if (!added.settled) {
    note('a transaction that began before it is still open; what that deletes is not kept');
  }
}

function readRequest(entity: string, key: string | undefined, flags: AddFlags): HoldRequest {
  const issues: Issue[] = [];
  const { filter, until } = flags;
  if ((key === undefined) === (filter === undefined)) {
    const what =
      key === undefined ? 'neither a key nor a filter is given' : 'both a key and a filter are given';
    issues.push({ at: 'command', what, fix: 'Give one: the key of a row, or --filter' });
  }
  const request = {
    entity,
    rows: key === undefined ? { filter: readFilter(filter ?? '{}', issues) } : { key },
    reason: flags.reason,
    who: flags.who ?? userInfo().username,
    until: until === undefined ? null : readInstant(until, issues),
  };
  assertValid('command', issues);
  return request;
}

function readFilter(text: string, issues: Issue[]): object {
  try {
    const filter: unknown = JSON.parse(text, (_, value: unknown) => {
      // JavaScript would round the number, and the hold would match another row.
      if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
        const what = 'it has a number that JavaScript rounds, and would hold other rows';
        issues.push({ at: '--filter', what, fix: 'Write numbers beyond 2^53 in quotes' });
      }
      return value;
    });
    if (typeof filter === 'object' && filter !== null && !Array.isArray(filter)) return filter;
  } catch {
    // The issue is added below.
  }
  const fix = `Write it like '{"status": "shipped"}'`;
  issues.push({ at: '--filter', what: 'it is no JSON object', fix });
  return {};
}

function readInstant(text: string, issues: Issue[]): string | null {
  const millis = parseDuration(text);
  const at = millis === undefined ? Date.parse(text) : Date.now() + millis;
  if (at > Date.now() && Number.isFinite(new Date(at).getTime())) return new Date(at).toISOString();
  const what = Number.isNaN(at)
    ? `${JSON.stringify(text)} is no instant and no duration`
    : 'it is over already';
  issues.push({ at: '--until', what, fix: "Write it like 2027-01-31T00:00:00Z or '90 days'" });
  return null;
}

async function runList(flags: DatabaseFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags, flags.policy);
  const holds = await withOnlyLedger(setup, flags, undefined, async ({ session }) =>
    session.ledger.holds.list(),
  );
  if (flags.json) printJson(holds ?? []);
  else if (holds === undefined) {
    print('no holds: this database has no ledger. If it was restored, its holds were not in the backup');
  } else if (holds.length === 0) print('no holds');
  else printHolds(holds);
}

function printHolds(holds: readonly Hold[]): void {
  printTable(
    ['hold', 'entity', 'rows', 'until (UTC)', 'who', 'reason'],
    holds.map(({ id, entity, key, filter, until, inForce, who, reason }) => [
      String(id),
      entity,
      key ?? JSON.stringify(filter),
      until === null ? 'no end' : inForce ? formatMinute(until) : `${formatMinute(until)}, over`,
      who,
      reason,
    ]),
  );
}

async function runRemove(id: number, flags: DatabaseFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags, flags.policy);
  const removed = await withOnlyLedger(setup, flags, false, async ({ session }) =>
    session.ledger.holds.delete(id),
  );
  if (!removed) {
    const fix = 'Name one that `temporal-vacuum hold list` shows';
    throw new ValidationError('command', [{ at: 'HOLD', what: `there is no hold ${id}`, fix }]);
  }
  if (flags.json) printJson({ hold: id, removed });
  else print(`hold ${id} is removed`);
}
