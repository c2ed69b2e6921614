import type { Tx } from '../dialect/dialect.ts';
import type { Condition, Holds } from '../dialect/view.ts';
import { NO_HOLDS } from '../ledger/holds.ts';
import { findKind } from '../passes/index.ts';
import type { TableReason } from '../passes/pass.ts';
import { findNotHeld, joinParts } from '../steps/condition-parts.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import type { TableName } from '../stored/columns.ts';
import { toIsoInstant } from '../stored/instant.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { StayReason } from '../stored/stay-reason.ts';

/** Why a row stays. */
export interface Reason {
  readonly why: StayReason;
  /** ISO 8601: the instant at which this reason ends, if the row stays as it is; null if only a change ends it. */
  readonly from: string | null;
}

export interface LocatedRow {
  readonly table: TableName;
  readonly location: string;
}

/** A row that a pass judges. */
export interface JudgedRow extends LocatedRow {
  readonly goes: boolean;
  /** Empty if it is deletable. */
  readonly reasons: readonly Reason[];
}

/** Whether a pass judges a row itself, or deletes it along with rows of another table. */
export type Role = 'row' | 'along';

/** So many rows that a row could be deleted along with are looked at. */
const MAX_ANCESTORS = 10;

/** What conditions depend on besides the pass. */
interface JudgeOptions {
  readonly holds: Holds;
  /** The start of the run that would be, by the database's clock. */
  readonly now: string;
}

/** What a pass asks of a row. */
interface RowConditions {
  readonly parts: readonly ConditionPart[];
  readonly whole: Condition;
}

/**
 * Judges a row by what a pass asks of the rows of its table: the row itself, or those that it would be deleted along with,
 * the deletable ones first. Empty if the row is not in their table, or the pass deletes nothing.
 */
export async function judgeRow(
  tx: Tx,
  stored: StoredPass,
  role: Role,
  row: LocatedRow,
  options: JudgeOptions,
): Promise<JudgedRow[]> {
  const kind = findKind(stored.kind);
  if ('runTable' in kind) return role === 'row' ? judgeByTable(tx, stored, row, options) : [];
  const conditions = findConditions(tx, stored, options);
  if (conditions === undefined) return [];
  const judged: JudgedRow[] = [];
  for (const location of await findLocations(tx, stored, role, row, conditions.whole)) {
    const found = await judge(tx, stored, location, conditions, options);
    if (found !== undefined) judged.push(found);
  }
  return judged;
}

/** Judges a row by the table where it lies, which goes or stays as a whole. */
async function judgeByTable(
  tx: Tx,
  stored: StoredPass,
  { table, location }: LocatedRow,
  options: JudgeOptions,
): Promise<JudgedRow[]> {
  const kind = findKind(stored.kind);
  const explain = async (holds: Holds): Promise<readonly TableReason[] | undefined> =>
    'runTable' in kind ? kind.explain?.(stored, tx, table, { ...options, holds }) : undefined;
  const found = await explain(options.holds);
  if (found === undefined) return [];
  const reasons: Reason[] = [];
  for (const { reason, due } of found) {
    const isHeld = async (holds: Holds): Promise<boolean> =>
      (await explain(holds))?.some((one) => one.reason === 'held') === true;
    reasons.push({ why: reason, from: reason === 'held' ? await findHoldEnd(tx, isHeld) : due });
  }
  return [{ table, location, goes: reasons.length === 0, reasons }];
}

/** Undefined if the pass deletes no rows. */
function findConditions(tx: Tx, stored: StoredPass, options: JudgeOptions): RowConditions | undefined {
  const kind = findKind(stored.kind);
  if (!('runBatch' in kind) || kind.condition === undefined) return undefined;
  const view = tx.view(options);
  const parts = kind.condition(stored, view);
  return { parts, whole: joinParts(parts, view) };
}

async function findLocations(
  tx: Tx,
  stored: StoredPass,
  role: Role,
  row: LocatedRow,
  deletable: Condition,
): Promise<string[]> {
  if (role === 'row') {
    const isOwn = stored.table.schema === row.table.schema && stored.table.name === row.table.name;
    return isOwn ? [row.location] : [];
  }
  const kind = findKind(stored.kind);
  const tree = 'runBatch' in kind ? kind.dependents?.(stored) : undefined;
  return tree === undefined ? [] : tx.rows.findAncestors(tree, row, deletable, MAX_ANCESTORS);
}

/** Undefined if the row is not there. */
async function judge(
  tx: Tx,
  stored: StoredPass,
  location: string,
  { parts, whole }: RowConditions,
  { now }: JudgeOptions,
): Promise<JudgedRow | undefined> {
  const { table } = stored;
  const evaluated = await tx.rows.evaluate(table, location, whole, parts);
  if (evaluated === undefined) return undefined;
  if (evaluated.deletable) return { table, location, goes: true, reasons: [] };
  const failed = parts
    .map((part, n) => ({ ...part, due: evaluated.parts[n]?.dueAt ?? null, holds: evaluated.parts[n]?.holds }))
    .filter(({ holds }) => holds !== true);
  // A part that implies one that failed fails as well, and tells nothing more.
  const explained = new Set(failed.map(({ impliedBy }) => impliedBy));
  const reasons: Reason[] = [];
  for (const { reason, due } of failed) {
    if (explained.has(reason)) continue;
    const isHeld = async (holds: Holds): Promise<boolean> => {
      const notHeld = findNotHeld(findConditions(tx, stored, { holds, now })?.parts ?? []);
      return notHeld !== undefined && !(await tx.rows.isTrueAt(table, location, notHeld));
    };
    const from = reason === 'held' ? await findHoldEnd(tx, isHeld) : due;
    reasons.push({ why: reason, from: from === null ? null : toIsoInstant(Date.parse(from)) });
  }
  // The condition as a whole is what deletes; its parts only tell why.
  if (reasons.length === 0) reasons.push({ why: 'other', from: null });
  return { table, location, goes: false, reasons };
}

/**
 * From when no hold keeps a row that holds keep now, if none is added: the latest end of those that are about it, or about
 * what would be deleted along with it. Null if one of them has no end.
 *
 * By the condition itself, on the holds that are left at each end: fewer and fewer, so that halving finds the first.
 */
async function findHoldEnd(tx: Tx, isHeld: (holds: Holds) => Promise<boolean>): Promise<string | null> {
  const ends = await tx.ledger.holds.readEnds();
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const holds = (await tx.ledger.holds.readInForce(ends[middle])) ?? NO_HOLDS;
    if (await isHeld(holds)) low = middle + 1;
    else high = middle;
  }
  const end = ends[low];
  return end === undefined ? null : toIsoInstant(Date.parse(end));
}
