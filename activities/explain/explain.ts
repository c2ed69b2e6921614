import { sql } from 'kysely';

import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { PassKind } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { noHolds, readHolds } from '../ledger/holds.ts';
import type { FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import { PolicyEntities } from '../plan/entities.ts';
import { lookUpEntity, lookUpRow } from '../plan/look-up-row.ts';
import { resolvePolicy } from '../plan/resolve.ts';
import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';
import type { Asked, StayReason } from './condition.ts';
import { findHoldEnd } from './hold-end.ts';
import { findLocked } from './locked.ts';
import { findParents, isSame } from './parents.ts';

/** Why a row stays. */
export interface Reason {
  readonly why: StayReason;
  /** ISO 8601: the instant from which this reason is gone, if the row stays as it is; null where only a change ends it. */
  readonly from: string | null;
}

/** What one pass has to say about a row. */
export interface PassExplanation {
  readonly pass: string;
  readonly kind: PassKind;
  /** It judges the row itself, or takes it along with rows of another table. */
  readonly role: 'row' | 'along';
  /** The table whose rows the pass judges. */
  readonly table: string;
  readonly goes: boolean;
  /** Why not; empty where it goes. Of several rows that it could go along with, those of each. */
  readonly reasons: readonly Reason[];
  /** ISO 8601: from when the pass takes it, if nothing but time is in the way; null where something else is, or nothing. */
  readonly from: string | null;
}

/** Which pass would take a row, or why it stays. */
export interface Explanation {
  readonly policy: string;
  readonly enabled: boolean;
  readonly entity: string;
  readonly key: string;
  /** The row is there. */
  readonly found: boolean;
  /** The instant that was looked at, by the database's clock. */
  readonly at: string;
  /** The first pass that would take the row now; null where none would. */
  readonly goesBy: string | null;
  /** The passes that are about the row, in the order in which they run. */
  readonly passes: readonly PassExplanation[];
  /** Passes whose tables are not in the database. */
  readonly notApplicable: readonly string[];
  /** The role may not read the ledger, so that holds are not looked at. */
  readonly holdsUnknown: boolean;
}

/** A row that a pass judges. */
interface Judged {
  readonly table: TableName;
  readonly place: string;
  readonly goes: boolean;
  readonly reasons: readonly Reason[];
}

const LIMITS = { lockMillis: 5_000, statementMillis: 60_000 };

/**
 * Says which pass would take a row, or why it stays, and from when it may go: by the conditions that passes delete by,
 * each part of them evaluated on the row. What earlier passes of a run would change first is not foreseen. Throws a
 * `ValidationError` where entity, key or policy cannot be used.
 */
export async function explainRow(
  { db, ledger }: Pick<Database, 'db' | 'ledger'>,
  policy: Policy,
  entity: string,
  key: string,
): Promise<Explanation> {
  const { explanation, going } = await inSnapshot(db, LIMITS, async (tx) => {
    const holds = await readHolds(tx, ledger);
    const names = policy.passes.map(({ name }) => name);
    const { passes, notApplicable, now } = await resolvePolicy(tx, policy, names, 'preview');
    const mistakes: Issue[] = [];
    const found = await lookUpEntity(tx, policy, new PolicyEntities(policy), entity, mistakes);
    const row = found === undefined ? undefined : await lookUpRow(tx, found.table, key, mistakes);
    assertValid('the row', mistakes);
    const there =
      found === undefined || row === undefined ? undefined : { table: found.table, place: row.place };
    const asked = { holds: holds ?? noHolds(ledger), now };
    const told: { readonly explained: PassExplanation; readonly judged: readonly Judged[] }[] = [];
    for (const { pass, frozen } of passes) {
      for (const role of ['row', 'along'] as const) {
        if (there === undefined) continue;
        const judged = await judge(tx, frozen, role, there, asked);
        if (judged.length > 0) told.push({ explained: sumUp(pass, frozen, role, judged), judged });
      }
    }
    const about = {
      policy: policy.name,
      enabled: policy.enabled,
      entity,
      key,
      found: there !== undefined,
      at: now,
      notApplicable,
      holdsUnknown: holds === undefined,
    };
    return { explanation: about, going: told };
  });
  const passes: PassExplanation[] = [];
  for (const { explained, judged } of going) {
    // Locks are of this moment, not of a snapshot.
    const locked = explained.goes && (await allLocked(db, judged));
    passes.push(locked ? { ...explained, goes: false, reasons: [{ why: 'locked', from: null }] } : explained);
  }
  return { ...explanation, goesBy: passes.find(({ goes }) => goes)?.pass ?? null, passes };
}

async function allLocked(db: Database['db'], judged: readonly Judged[]): Promise<boolean> {
  for (const { table, place, goes } of judged) {
    if (goes && !(await findLocked(db, table, place))) return false;
  }
  return true;
}

async function judge(
  tx: Tx,
  frozen: FrozenPass,
  role: PassExplanation['role'],
  row: { readonly table: TableName; readonly place: string },
  asked: Asked,
): Promise<Judged[]> {
  const places =
    role === 'along'
      ? await findParents(tx, frozen, row, asked)
      : isSame(frozen.table, row.table)
        ? [row.place]
        : [];
  const judged: Judged[] = [];
  for (const place of places) {
    const found = await judgeRow(tx, frozen, place, asked);
    if (found !== undefined) judged.push(found);
  }
  return judged;
}

/** Undefined where the pass deletes nothing. */
async function judgeRow(
  tx: Tx,
  frozen: FrozenPass,
  place: string,
  asked: Asked,
): Promise<Judged | undefined> {
  const work = workOf(frozen.kind);
  if (!('explain' in work)) return undefined;
  const { goes, parts } = work.explain(frozen, asked);
  const { rows } = await sql<{ goes: boolean; holds: boolean[]; from: (string | null)[] }>`
    select
      (${goes}) is true as goes,
      array[${sql.join(parts.map(({ holds }) => sql`(${holds}) is true`))}] as holds,
      array[${sql.join(parts.map(({ from }) => from ?? sql`null`))}]::text[] as "from"
    from ${tableOf(frozen.table)} as t
    where t.ctid = ${place}::tid`.execute(tx);
  const [row] = rows;
  if (row === undefined) return undefined;
  const failed: Reason[] = [];
  for (const [n, { why }] of parts.entries()) {
    if (row.holds[n] === true) continue;
    const from = why === 'held' ? await findHoldEnd(tx, frozen, place, asked) : (row.from[n] ?? null);
    failed.push({ why, from: instantOf(from) });
  }
  // The condition as a whole is what deletes; its parts only tell why.
  const reasons: Reason[] = row.goes ? [] : failed.length > 0 ? failed : [{ why: 'other', from: null }];
  return { table: frozen.table, place, goes: row.goes, reasons };
}

function sumUp(
  { name, kind }: { readonly name: string; readonly kind: PassKind },
  frozen: FrozenPass,
  role: PassExplanation['role'],
  judged: readonly Judged[],
): PassExplanation {
  const goes = judged.some((row) => row.goes);
  // Rows that time alone lets go, each from when its last reason is gone.
  const instants = judged.flatMap((row) => {
    const ends = row.reasons.flatMap((reason) => (reason.from === null ? [] : [reason.from]));
    return ends.length < row.reasons.length ? [] : ends.toSorted().slice(-1);
  });
  const from = goes ? null : (instants.toSorted()[0] ?? null);
  const reasons = goes ? [] : judged.flatMap((row) => row.reasons);
  return { pass: name, kind, role, table: frozen.table.label, goes, reasons: distinct(reasons), from };
}

function distinct(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.map((reason) => [JSON.stringify(reason), reason])).values()];
}

/** As all instants of results are written; null where JavaScript cannot, as for infinity. */
function instantOf(text: string | null): string | null {
  const date = new Date(text ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
