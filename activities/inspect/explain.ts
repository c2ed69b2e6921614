import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { PassKind } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Session } from '../dialect/dialect.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import type { Database } from '../ledger/database.ts';
import { NO_HOLDS } from '../ledger/holds.ts';
import { LOOK_UP_LIMITS, resolvePolicy } from '../plan/resolve-policy.ts';
import { findEntity, locateRow } from '../resolve/find-row.ts';
import { listLeaves } from '../steps/leaf-partitions.ts';
import type { JudgedRow, LocatedRow, Reason, Role } from './explain-row.ts';
import { judgeRow } from './explain-row.ts';

export type { Reason };

/** What one pass has to say about a row. */
export interface PassExplanation {
  readonly pass: string;
  readonly kind: PassKind;
  /** It judges the row itself, or deletes it along with rows of another table. */
  readonly role: Role;
  /** The table whose rows the pass judges. */
  readonly table: string;
  readonly goes: boolean;
  /** Why not; empty if it goes. Of several rows that it could be deleted along with, those of each. */
  readonly reasons: readonly Reason[];
  /** ISO 8601: from when the pass deletes it, if only time is in the way; null if something else is, or nothing. */
  readonly from: string | null;
}

/** Which pass would delete a row, or why it stays. */
export interface Explanation {
  readonly policy: string;
  readonly enabled: boolean;
  readonly entity: string;
  readonly key: string;
  /** The row is there. */
  readonly found: boolean;
  /** The instant that was looked at, by the database's clock. */
  readonly at: string;
  /** The first pass that would delete the row now; null if none would. */
  readonly goesBy: string | null;
  /** The passes that are about the row, in the order in which they run. */
  readonly passes: readonly PassExplanation[];
  /** Passes whose tables are not in the database. */
  readonly notApplicable: readonly string[];
  /** The role may not read the ledger, so that holds are not looked at. */
  readonly holdsUnknown: boolean;
}

const LOCK_LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };

/**
 * Says which pass would delete a row, or why it stays, and from when it is deletable: by the conditions that passes delete
 * by, each part of them evaluated on the row. What earlier passes of a run would change first is not foreseen. Throws a
 * `ValidationError` if entity, key or policy cannot be used.
 */
export async function explainRow(
  { session }: Pick<Database, 'session'>,
  policy: Policy,
  entity: string,
  key: string,
): Promise<Explanation> {
  const { explanation, judgements } = await session.snapshot(LOOK_UP_LIMITS, async (tx) => {
    const holds = await tx.ledger.holds.readInForce();
    const names = policy.passes.map(({ name }) => name);
    const { passes, notApplicable, entities, now } = await resolvePolicy(tx, policy, names, 'preview');
    const issues: Issue[] = [];
    const named = await findEntity(tx, policy, entities, entity, issues);
    const found = named === undefined ? undefined : await locateRow(tx, named, key, entities, issues);
    assertValid('the row', issues);
    const row: LocatedRow | undefined =
      named === undefined || found === undefined
        ? undefined
        : { table: { ...named.table, ...found.place.leaf }, location: found.place.location };
    const options = { holds: holds ?? NO_HOLDS, now };
    const judged: { readonly explained: PassExplanation; readonly rows: readonly JudgedRow[] }[] = [];
    for (const { pass, stored } of row === undefined ? [] : passes) {
      for (const role of ['row', 'along'] as const) {
        const rows: JudgedRow[] = [];
        for (const leaf of listLeaves(stored)) {
          if (row !== undefined) rows.push(...(await judgeRow(tx, leaf, role, row, options)));
        }
        const about = { pass: pass.name, kind: pass.kind, role, table: stored.table.label };
        if (rows.length > 0) judged.push({ explained: { ...about, ...sumUp(rows) }, rows });
      }
    }
    const about = {
      policy: policy.name,
      enabled: policy.enabled,
      entity: named === undefined ? entity : entities.name(named.entity),
      key,
      found: row !== undefined,
      at: now,
      notApplicable,
      holdsUnknown: holds === undefined,
    };
    return { explanation: about, judgements: judged };
  });
  const passes: PassExplanation[] = [];
  for (const { explained, rows } of judgements) {
    // Locks are of this moment, not of a snapshot.
    const allLocked = explained.goes && (await areAllLocked(session, rows));
    passes.push(
      allLocked ? { ...explained, goes: false, reasons: [{ why: 'locked', from: null }] } : explained,
    );
  }
  return { ...explanation, goesBy: passes.find(({ goes }) => goes)?.pass ?? null, passes };
}

async function areAllLocked(session: Session, rows: readonly JudgedRow[]): Promise<boolean> {
  for (const row of rows) {
    if (row.goes && !(await isLocked(session, row))) return false;
  }
  return true;
}

/**
 * Whether another session has a row, or its table, locked now, as a batch would find it. False if that cannot be known:
 * the role may not lock rows, or the database is read-only.
 */
export async function isLocked(session: Session, { table, location }: LocatedRow): Promise<boolean> {
  try {
    return await session.transaction(LOCK_LIMITS, async (tx) => tx.rows.isLocked(table, location));
  } catch (error) {
    const kind = readDatabaseError(error)?.kind;
    if (kind === 'not permitted' || kind === 'busy') return false;
    if (kind === 'lock') return true;
    throw error;
  }
}

function sumUp(rows: readonly JudgedRow[]): Pick<PassExplanation, 'goes' | 'reasons' | 'from'> {
  if (rows.some((row) => row.goes)) return { goes: true, reasons: [], from: null };
  // Rows that only time keeps, each from when its last reason ends.
  const instants = rows.flatMap(({ reasons }) => {
    const ends = reasons.flatMap(({ from }) => from ?? []);
    return ends.length < reasons.length ? [] : ends.toSorted().slice(-1);
  });
  const reasons = rows.flatMap((row) => row.reasons);
  const distinct = new Map(reasons.map((reason) => [JSON.stringify(reason), reason]));
  return { goes: false, reasons: [...distinct.values()], from: instants.toSorted()[0] ?? null };
}
