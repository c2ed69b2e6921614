import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { parseDuration } from '../../policy/duration.ts';
import type { ReportRows } from '../../policy/report-rows.ts';
import type { AskedRows, Cursor } from '../batch/cursor.ts';
import { look } from '../batch/look.ts';
import type { Outside, Prepared } from '../batch/outside.ts';
import { resolveRows } from '../batch/resolve-rows.ts';
import { instantOf } from '../ledger/reported.ts';
import { horizonOf } from '../plan/horizon.ts';
import type { Scope } from '../plan/scope.ts';
import { nameOf } from '../plan/scope.ts';
import type { WalkChoice } from '../plan/strategy.ts';
import { hasIndexOn } from '../plan/strategy.ts';
import { previewReport } from '../preview/report.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { matchingKeys } from '../sql/look.ts';
import type { ColumnName } from '../sql/names.ts';
import { castTo, columnOf } from '../sql/names.ts';
import type { Predicate } from '../sql/predicate.ts';
import { bindPredicate } from '../sql/predicate.ts';
import type { Tx } from '../sql/transaction.ts';
import { inTransaction } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork } from './pass.ts';

/** A `reportRows` pass as a run keeps it. */
export interface FrozenReportRows extends FrozenPass {
  readonly kind: 'reportRows';
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly dueAt: { readonly column: ColumnName; readonly horizon: string } | null;
  /** What rows are resolved by; null where they are only reported. */
  readonly key: ColumnName | null;
}

/** So many rows are found at once where they are resolved: what a crash may leave in doubt. */
const MOST_ASKED = 20;

/** A look by key at a few rows, outside of the batch. */
const CHECK_LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };

const UNCHANGED = 'it was asked for without an error, and still matches';

/** Rows that are old and match: counted, left where they are, and on request dealt with by somebody else. */
export const reportRowsWork: PassWork<ReportRows, FrozenReportRows> = {
  kind: 'reportRows',

  freeze(pass: ReportRows, scope: Scope): FrozenReportRows | undefined {
    const table = scope.table(pass.entity, ['select']);
    const age = scope.ageColumn(pass.entity, table, pass.age);
    const waits = pass.dueAt === undefined ? null : scope.ageColumn(pass.entity, table, pass.dueAt, 'dueAt');
    const where = scope.predicate(pass.entity, pass.where);
    const key = pass.handler === undefined ? null : scope.key(pass.entity, table);
    if (table === undefined || age === undefined || waits === undefined || key === undefined)
      return undefined;
    const horizonFor = (column: ColumnName): string =>
      horizonOf(scope.now, parseDuration(pass.olderThan) ?? Number.NaN, column);
    return {
      kind: 'reportRows',
      table: nameOf(table),
      counted: [],
      familySize: 1,
      age,
      horizon: horizonFor(age),
      where,
      dueAt: waits === null ? null : { column: waits, horizon: horizonFor(waits) },
      key,
    };
  },

  plan(frozen: FrozenReportRows, table: CatalogTable, shards: number): WalkChoice {
    const byAge = { strategy: 'keyset', column: frozen.age, keys: 0, until: frozen.horizon } as const;
    return {
      table,
      where: found(frozen),
      // Parts beside one another would ask more at once than the policy says.
      shards: frozen.key === null ? shards : 1,
      ...(hasIndexOn(table, frozen.age) ? { index: byAge } : {}),
    };
  },

  preview(frozen: FrozenReportRows, script: PreviewScript): void {
    previewReport(frozen, found(frozen), script);
  },

  async prepare(
    frozen: FrozenReportRows,
    db: Kysely<unknown>,
    cursor: Cursor,
    outside: Outside,
  ): Promise<Prepared | undefined> {
    const { pass, ...slice } = outside;
    const { key } = frozen;
    if (cursor === null || !('asked' in cursor) || key === null) return undefined;
    if (pass?.kind !== 'reportRows' || pass.handler === undefined) return undefined;
    const matches = async (one: string): Promise<boolean> => {
      const matching = await inTransaction(db, CHECK_LIMITS, async (tx) =>
        matchingKeys(tx, frozen.table, key, [one], found(frozen)),
      );
      return matching.has(one);
    };
    return resolveRows(pass.handler, cursor.asked, matches, slice);
  },

  async runBatch(frozen: FrozenReportRows, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    if (step.cursor !== null && 'asked' in step.cursor) {
      return settle(frozen, tx, step.cursor, step.prepared);
    }
    const walk = { table: frozen.table, age: frozen.age, where: found(frozen) };
    const limit = Math.min(frozen.key === null ? step.size : MOST_ASKED, step.mostRows);
    const { rows, oldest, keys, cursor, end } = await look(tx, walk, frozen.key, step, limit);
    const reported = { found: rows, resolved: 0, unresolved: {}, oldest: instantOf(oldest) };
    if (keys.length === 0) return { ...NOTHING_TAKEN, cursor, end, reported };
    return { ...NOTHING_TAKEN, cursor: { asked: keys, next: cursor, end }, end: false, reported };
  },
};

const NOTHING_TAKEN = { taken: 0, skipped: 0, moved: 0 } as const;

/** Counts what came of the rows that were asked for, by what they are now, and lets the walk go on. */
async function settle(
  frozen: FrozenReportRows,
  tx: Tx,
  { asked, next, end }: AskedRows,
  prepared: Prepared | undefined,
): Promise<BatchOutcome> {
  // A worker whose policies do not say any more how to resolve reports only.
  if (prepared === undefined || !('answers' in prepared) || frozen.key === null)
    return { ...NOTHING_TAKEN, cursor: next, end };
  const { reached, answers } = prepared;
  const still = await matchingKeys(tx, frozen.table, frozen.key, [...answers.keys()], found(frozen));
  const unresolved: Record<string, number> = {};
  let resolved = 0;
  for (const [key, reason] of answers) {
    if (still.has(key)) {
      const why = reason ?? UNCHANGED;
      unresolved[why] = (unresolved[why] ?? 0) + 1;
    } else if (reason === null) resolved += 1;
  }
  const reported = { found: 0, resolved, unresolved, oldest: null };
  const left = asked.filter((key) => !reached.includes(key));
  return left.length === 0
    ? { ...NOTHING_TAKEN, cursor: next, end, reported }
    : { ...NOTHING_TAKEN, cursor: { asked: left, next, end }, end: false, reported };
}

/** Over alias `t`: the row is old, waits for nothing that is not, and matches. */
function found({ age, horizon, where, dueAt }: FrozenReportRows): RawBuilder<boolean> {
  const old = sql`${columnOf('t', age)} < ${castTo(horizon, age.type)}`;
  if (dueAt === null) return sql`${old} and ${bindPredicate(where)}`;
  const waits = columnOf('t', dueAt.column);
  const due = sql`${waits} < ${castTo(dueAt.horizon, dueAt.column.type)}`;
  return sql`${old} and (${waits} is null or ${due}) and ${bindPredicate(where)}`;
}
