import type { ReportRows } from '../../policy/report-rows.ts';
import type { Tx } from '../dialect/dialect.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { Condition, View } from '../dialect/view.ts';
import { resolveAge } from '../resolve/age-column.ts';
import { computeHorizon } from '../resolve/compute-horizon.ts';
import { addAgeIndex, scanByAge } from '../resolve/scan-choice.ts';
import type { BatchOutcome, PreparedWork } from '../steps/batch-step.ts';
import { joinParts, olderThanParts } from '../steps/condition-parts.ts';
import { handleRows } from '../steps/handle-rows.ts';
import { toScanStep } from '../steps/scan-step.ts';
import type { ColumnName } from '../stored/columns.ts';
import type { PendingRows } from '../stored/cursor.ts';
import { toIsoInstant } from '../stored/instant.ts';
import type { StoredReportRows } from '../stored/pass.ts';
import type { BatchKind } from './pass.ts';

/** So many rows are found at once if they are handled: what a crash may leave in doubt. */
const MAX_PENDING = 20;
/** A look-up by key of a few rows, outside of the batch. */
const CHECK_LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };
const UNCHANGED = 'it was asked for without an error, and still matches';

const NOTHING_TAKEN = { taken: 0, skipped: 0, moved: 0 } as const;

/** Rows that are old and match: counted, left where they are, and handed to a handler if the policy has one. */
export const reportRowsKind: BatchKind<ReportRows, StoredReportRows> = {
  kind: 'reportRows',

  entities: ({ entity }) => [entity],

  resolve(pass, scope) {
    const table = scope.table(pass.entity, ['select']);
    const age = resolveAge(pass.entity, table, pass.age, scope);
    const due = pass.dueAt === undefined ? null : resolveAge(pass.entity, table, pass.dueAt, scope, 'dueAt');
    const where = scope.predicate(pass.entity, pass.where);
    const key = pass.handler === undefined ? null : scope.key(pass.entity, table);
    if (table === undefined || age === undefined || due === undefined || key === undefined) return undefined;
    const horizonFor = (column: ColumnName): string => computeHorizon(scope.now, pass.olderThan, column);
    return {
      kind: 'reportRows',
      table: toTableName(table),
      counted: [],
      rowsPerParent: 1,
      age,
      ages: [age],
      horizon: horizonFor(age),
      where,
      dueAt: due === null ? null : { column: due, horizon: horizonFor(due) },
      key,
    };
  },

  readRows: addAgeIndex,

  plan(stored, table, shards, view) {
    return {
      table,
      where: isReported(stored, view),
      // Shards beside one another would hand more rows over at once than the policy says.
      shards: stored.key === null ? shards : 1,
      ...scanByAge(stored, table),
    };
  },

  preview(stored, query) {
    query.addFound(stored.table, stored.age, isReported(stored, query.view));
  },

  wantedIndexes({ table, age, ageIndex }) {
    const why = 'reads the whole table instead of the old rows';
    return [{ table, column: age.name, why, served: ageIndex }];
  },

  async prepare(stored, cursor, { session, pass, ...slice }) {
    const { key, table } = stored;
    if (cursor === null || !('pending' in cursor) || key === null) return undefined;
    if (pass?.kind !== 'reportRows' || pass.handler === undefined) return undefined;
    const matches = async (one: string): Promise<boolean> => {
      const matching = await session.transaction(CHECK_LIMITS, async (tx) =>
        tx.rows.filterKeys(table, key, [one], isReported(stored, tx.view())),
      );
      return matching.has(one);
    };
    return handleRows(pass.handler, cursor.pending, matches, slice);
  },

  async runBatch(stored, tx, step) {
    if (step.cursor !== null && 'pending' in step.cursor) {
      return recordHandled(stored, tx, step.cursor, step.prepared);
    }
    const { table, age, ageIndex, key } = stored;
    const where = isReported(stored, tx.view());
    const limit = Math.min(key === null ? step.size : MAX_PENDING, step.maxRows);
    // Four times the pages that would do if every row matched.
    const factor = (4 * Math.max(limit, step.size)) / limit;
    const found = await tx.scan.readRange(
      { table, age, ageIndex, where },
      toScanStep(step, limit, factor),
      key ?? undefined,
    );
    const { cursor, done, keys } = found;
    const oldest = toIsoInstant(found.oldest);
    const reported = { found: found.rows, resolved: 0, unresolved: {}, oldest };
    if (keys.length === 0) return { ...NOTHING_TAKEN, cursor, done, reported };
    return { ...NOTHING_TAKEN, cursor: { pending: keys, next: cursor, done }, done: false, reported };
  },
};

/** The row is old, not due later than that, and matches. */
function isReported(stored: StoredReportRows, view: View): Condition {
  const old = joinParts(olderThanParts(stored, view), view);
  const { dueAt } = stored;
  if (dueAt === null) return old;
  const { column, horizon } = dueAt;
  // Neither null nor due later: `not (is not null and not (< horizon))`.
  const isLater = view.all([view.hasAge([column]), view.not(view.isOlder(column, horizon))]);
  return view.all([old, view.not(isLater)]);
}

/** Counts what became of the rows that were handled, by what they are now, and lets the scan go on. */
async function recordHandled(
  stored: StoredReportRows,
  tx: Tx,
  { pending, next, done }: PendingRows,
  prepared: PreparedWork | undefined,
): Promise<BatchOutcome> {
  const { table, key } = stored;
  // A worker whose policies have no handler any more reports only.
  if (prepared === undefined || !('results' in prepared) || key === null)
    return { ...NOTHING_TAKEN, cursor: next, done };
  const { reached, results } = prepared;
  const still = await tx.rows.filterKeys(table, key, [...results.keys()], isReported(stored, tx.view()));
  const unresolved: Record<string, number> = {};
  let resolved = 0;
  for (const [one, reason] of results) {
    if (still.has(one)) {
      const why = reason ?? UNCHANGED;
      unresolved[why] = (unresolved[why] ?? 0) + 1;
    } else if (reason === null) resolved += 1;
  }
  const reported = { found: 0, resolved, unresolved, oldest: null };
  const left = pending.filter((one) => !reached.includes(one));
  return left.length === 0
    ? { ...NOTHING_TAKEN, cursor: next, done, reported }
    : { ...NOTHING_TAKEN, cursor: { pending: left, next, done }, done: false, reported };
}
