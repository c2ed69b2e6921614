import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import { isRefused } from '../dialect/read-error.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { Database } from '../ledger/database.ts';
import { waitForEarlierBatches } from '../ledger/holds.ts';
import { LOOK_UP_LIMITS, readPolicyEntities } from '../plan/resolve-policy.ts';
import type { PolicyEntities } from '../resolve/entities.ts';
import type { NamedEntity } from '../resolve/find-row.ts';
import { findEntity, findRow, locateRow } from '../resolve/find-row.ts';
import type { NewHold } from '../stored/hold.ts';

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
  /** The row of the key was deleted meanwhile, by such a batch or by somebody else: there is nothing left to hold. */
  readonly gone: boolean;
}

/** A batch lasts at most some seconds, whatever it does. */
const MAX_WAIT_MILLIS = 60_000;

/**
 * Adds a hold and waits until no batch is under way that started before it: when this returns `settled`, no pass deletes
 * the rows any more. Throws a `ValidationError` with everything that is wrong.
 */
export async function addHold(
  { session, ledger }: Database,
  policy: Policy,
  request: HoldRequest,
): Promise<AddedHold> {
  const entities = readPolicyEntities(session, policy);
  const hold = await session.snapshot(LOOK_UP_LIMITS, async (tx) =>
    resolveHold(tx, policy, entities, request),
  );
  await ledger.migrate();
  const id = await session.ledger.holds.insert(hold);
  const settled = await waitForEarlierBatches(ledger, MAX_WAIT_MILLIS);
  return { id, settled, gone: await isGone(session, hold) };
}

async function isGone(session: Session, { table, rows }: NewHold): Promise<boolean> {
  return session.snapshot(LOOK_UP_LIMITS, async (tx) => {
    if ('key' in rows) return (await tx.rows.find(table, rows.column, rows.key)) === undefined;
    if (rows.isKey !== true) return false;
    return (await tx.tables.count(table, tx.view().matches(rows.condition), undefined)).rows === 0;
  });
}

async function resolveHold(
  tx: Tx,
  policy: Policy,
  entities: PolicyEntities,
  { entity, rows, ...hold }: HoldRequest,
): Promise<NewHold> {
  const issues: Issue[] = [];
  if (hold.reason.trim() === '') {
    issues.push({ at: 'reason', what: 'it is empty', fix: 'Say why, for whoever finds the hold later' });
  }
  const named = await findEntity(tx, policy, entities, entity, issues);
  const held =
    named === undefined
      ? undefined
      : 'key' in rows
        ? await resolveKey(tx, entities, named, rows.key, issues)
        : await resolveFilter(tx, entities, named, rows.filter, issues);
  assertValid('the hold', issues);
  if (named === undefined || held === undefined) throw new Error('a hold without its table');
  return { ...hold, entity: entities.name(named.entity), table: toTableName(named.table), rows: held };
}

async function resolveKey(
  tx: Tx,
  entities: PolicyEntities,
  named: NamedEntity,
  key: string,
  issues: Issue[],
): Promise<NewHold['rows'] | undefined> {
  const before = issues.length;
  const row = await findByKey(tx, entities, named, key, issues);
  if (row === undefined && issues.length === before) {
    const fix = 'Check the key; to hold rows to come, use a filter';
    issues.push({ at: 'KEY', what: `there is no row ${JSON.stringify(key)}`, fix });
  }
  return row;
}

/** Many holds by one column are looked up by an index of the ledger; one by several columns is a condition of its own. */
async function findByKey(
  tx: Tx,
  entities: PolicyEntities,
  named: NamedEntity,
  key: string,
  issues: Issue[],
): Promise<NewHold['rows'] | undefined> {
  const { primaryKey, columns } = named.table;
  const column = primaryKey.length === 1 ? columns.get(primaryKey[0] ?? '') : undefined;
  if (column !== undefined)
    return findRow(tx, named.table, { name: column.name, type: column.type }, key, issues);
  const row = await locateRow(tx, named, key, entities, issues);
  return row === undefined ? undefined : { filter: row.values, condition: row.place.condition, isKey: true };
}

async function resolveFilter(
  tx: Tx,
  entities: PolicyEntities,
  { entity, table }: NamedEntity,
  filter: object,
  issues: Issue[],
): Promise<NewHold['rows']> {
  const condition = entities.widePredicate(entity, filter, 'filter', 'filter', issues);
  try {
    await tx.tables.tryCondition(table, tx.view().matches(condition));
  } catch (error) {
    if (!isRefused(error)) throw error;
    issues.push({
      at: 'filter',
      what: 'the database does not understand it',
      fix: 'Mend it, or the type of the values in it',
      here: error instanceof Error ? error.message : String(error),
    });
  }
  return { filter, condition };
}
