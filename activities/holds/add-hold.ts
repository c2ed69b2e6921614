import { sql } from 'kysely';

import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import type { NewHold } from '../ledger/holds.ts';
import { insertHold, waitForEarlierBatches } from '../ledger/holds.ts';
import { PolicyEntities } from '../plan/entities.ts';
import type { NamedEntity } from '../plan/look-up-row.ts';
import { findRow, lookUpEntity, lookUpRow } from '../plan/look-up-row.ts';
import { nameOf } from '../plan/scope.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { tableOf } from '../sql/names.ts';
import { bindPredicate } from '../sql/predicate.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot, tryAndUndo } from '../sql/transaction.ts';

/** What a person asks to be held. */
export interface HoldRequest {
  /** An entity of the policy, by its name. */
  readonly entity: string;
  /** The primary key of one row, or a filter as the policy's `where` has it. */
  readonly rows: { readonly key: string } | { readonly filter: object };
  readonly reason: string;
  readonly who: string;
  /** ISO 8601; null for no end. */
  readonly until: string | null;
}

/** A hold that was added. */
export interface AddedHold {
  readonly id: number;
  /** Every batch that could have missed it is over. */
  readonly settled: boolean;
  /** The row of the key went meanwhile, by such a batch or by somebody else: there is nothing left to hold. */
  readonly gone: boolean;
}

const LIMITS = { lockMillis: 5_000, statementMillis: 60_000 };

/** A batch lasts at most some seconds, whatever it does. */
const MOST_MILLIS = 60_000;

/**
 * Adds a hold and waits until no batch is under way that began before it: when this answers with `settled`, no pass
 * deletes the rows any more. Throws a `ValidationError` with everything that is wrong.
 */
export async function addHold(
  { db, ledger }: Database,
  policy: Policy,
  request: HoldRequest,
): Promise<AddedHold> {
  const entities = new PolicyEntities(policy);
  const hold = await inSnapshot(db, LIMITS, async (tx) => lookUp(tx, policy, entities, request));
  await ledger.migrate();
  const id = await insertHold(ledger, hold);
  const settled = await waitForEarlierBatches(ledger, MOST_MILLIS);
  return { id, settled, gone: await isGone(db, hold) };
}

async function isGone(db: Database['db'], { table, rows }: NewHold): Promise<boolean> {
  if (!('key' in rows)) return false;
  return inSnapshot(
    db,
    LIMITS,
    async (tx) => (await findRow(tx, table, rows.column, rows.key)) === undefined,
  );
}

async function lookUp(
  tx: Tx,
  policy: Policy,
  entities: PolicyEntities,
  { entity: named, rows, ...hold }: HoldRequest,
): Promise<NewHold> {
  const mistakes: Issue[] = [];
  if (hold.reason.trim() === '') {
    mistakes.push({ at: 'reason', what: 'it is empty', fix: 'Say why, for whoever finds the hold later' });
  }
  const found = await lookUpEntity(tx, policy, entities, named, mistakes);
  const held =
    found === undefined
      ? undefined
      : 'key' in rows
        ? await lookUpKey(tx, found.table, rows.key, mistakes)
        : await lookUpFilter(tx, entities, found, rows.filter, mistakes);
  assertValid('the hold', mistakes);
  if (found === undefined || held === undefined) throw new Error('a hold without its table');
  return { ...hold, entity: named, table: nameOf(found.table), rows: held };
}

async function lookUpKey(
  tx: Tx,
  table: CatalogTable,
  key: string,
  mistakes: Issue[],
): Promise<NewHold['rows'] | undefined> {
  const before = mistakes.length;
  const row = await lookUpRow(tx, table, key, mistakes);
  if (row === undefined && mistakes.length === before) {
    const fix = 'Check the key; to hold rows to come, use a filter';
    mistakes.push({ at: 'KEY', what: `there is no row ${JSON.stringify(key)}`, fix });
  }
  return row;
}

async function lookUpFilter(
  tx: Tx,
  entities: PolicyEntities,
  { entity, table }: NamedEntity,
  filter: object,
  mistakes: Issue[],
): Promise<NewHold['rows']> {
  const condition = entities.predicate(entity, filter, 'filter', 'filter', mistakes);
  try {
    await tryAndUndo(tx, async () =>
      sql`explain select from ${tableOf(table)} as t where ${bindPredicate(condition)}`.execute(tx),
    );
  } catch (error) {
    if (readDatabaseError(error)?.verdict !== 'stop') throw error;
    mistakes.push({
      at: 'filter',
      what: 'the database does not understand it',
      fix: 'Mend it, or the type of the values in it',
      here: error instanceof Error ? error.message : String(error),
    });
  }
  return { filter, condition };
}
