import type { ExpireRows } from '../../policy/expire-rows.ts';
import { isParentAge } from '../../policy/parent-age.ts';
import type { AnyEntity } from '../../policy/pass-options.ts';
import { isRetentionColumn } from '../../policy/retention-column.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { PreviewQuery } from '../dialect/preview.ts';
import { distinctTables, toTableName } from '../dialect/table-names.ts';
import type { View } from '../dialect/view.ts';
import { findBlockers } from '../resolve/blockers.ts';
import { cascadesFrom, computeDrainOrder, movesOwnRows } from '../resolve/cascades.ts';
import {
  deferChild,
  findChildKey,
  resolveChild,
  listChildCascades,
  listDeferredSteps,
  listChildEntities,
  listChildPointers,
  estimateRowsPerParent,
  listChildPaths,
  listTablesAlong,
} from '../resolve/children.ts';
import { judgesByDependents } from '../resolve/draining.ts';
import { recordsFiles, resolvePaths, refuseUnrecordedPaths } from '../resolve/file-roots.ts';
import { computeLaterHorizon } from '../resolve/horizon.ts';
import { resolveNesting } from '../resolve/nesting.ts';
import { refuseOwnCascade, refuseTangledPointers } from '../resolve/refuse-own-cascade.ts';
import { resolveAges, resolveRetentions, computeLatestHorizon } from '../resolve/retention.ts';
import { findGraph } from '../resolve/row-graph.ts';
import { addAgeIndex, scanByAge } from '../resolve/scan-choice.ts';
import type { ScanChoice } from '../resolve/scan-choice.ts';
import type { Scope } from '../resolve/scope.ts';
import type { Ages, TableName } from '../stored/columns.ts';
import type { KeepLastExpiry } from '../stored/expiry.ts';
import type { StoredExpireRows } from '../stored/pass.ts';
import type { PreviewBound } from '../stored/report.ts';
import type { RowTree, StoredChild } from '../stored/row-tree.ts';
import type { ConditionPart } from './condition.ts';
import { findNotReferenced, findUndated, joinParts, withBlockers } from './condition.ts';
import { addKeptRows } from './count-kept.ts';
import { isChained } from './delete-chained.ts';
import { deleteExpired, fullGroupPart, scanColumn } from './delete-expired.ts';
import { findNotHeld, heldPart } from './hold-condition.ts';
import type { BacklogRows, BatchKind, BatchOutcome, BatchStep, WantedIndex } from './pass.ts';

/** Rows past their retention, with everything that belongs to them. */
export const expireRowsKind: BatchKind<ExpireRows, StoredExpireRows> = {
  kind: 'expireRows',
  expires: true,

  entities(pass: ExpireRows): AnyEntity[] {
    const retentions = [pass, ...pass.overrides].map(({ olderThan }) => olderThan);
    return [
      pass.entity,
      ...pass.age.flatMap((age) => (isParentAge(age) ? [age.parent] : [])),
      ...pass.with.flatMap(listChildEntities),
      ...retentions.flatMap((olderThan) =>
        isRetentionColumn(olderThan) && olderThan.parent !== undefined ? [olderThan.parent] : [],
      ),
      ...pass.files.flatMap((root) => root.recordedBy.map(({ entity }) => entity)),
    ];
  },

  resolve(pass: ExpireRows, scope: Scope): StoredExpireRows | undefined {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const ages = resolveAges(pass, table, scope);
    const where = scope.predicate(pass.entity, pass.where);
    const retentions = resolveRetentions(pass, table, ages?.[0], scope);
    const deferred = pass.with.map((child) =>
      recordsFiles(pass.files, child.entity) ? undefined : deferChild(child, pass.entity, table, scope),
    );
    const owned = pass.with.filter((_, n) => deferred[n] === undefined);
    const keepsRows = retentions?.some(({ keep }) => keep !== null) === true;
    const keptKey = keepsRows ? scope.key(pass.entity, table, BY_KEPT_ROWS) : null;
    const nesting = pass.nestedBy === undefined ? null : resolveNesting(pass, pass.nestedBy, table, scope);
    const children = owned.map((child) => resolveChild(child, pass.entity, table, pass.files, scope));
    const files = resolvePaths(pass.files, pass.entity, table, scope);
    if (table === undefined || ages === undefined || keptKey === undefined || nesting === undefined)
      return undefined;
    if (retentions === undefined) return undefined;
    if (!children.every((child) => child !== undefined)) return undefined;
    const key = findChildKey(pass.entity, children, scope);
    if (key === undefined) return undefined;
    const found = findGraph(scope.catalog, { table, children, files });
    const hard = cascadesFrom(scope.catalog, table);
    const cascades = found?.cascades ?? hard;
    const along = listTablesAlong({ cascades, children });
    const below = children.flatMap(listChildCascades);
    const pointers = children.flatMap(listChildPointers);
    const recorded = found?.graph.tables.filter((one) => one.files.length > 0) ?? [];
    const unrecorded = [...cascades, ...below].filter(
      (step) => !recorded.some((one) => one.table.label === step.table.label),
    );
    refuseUnrecordedPaths(pass.files, unrecorded, pointers, scope);
    if (keepsRows) refuseOwnCascade(pass, along, table, scope);
    refuseTangledPointers(pointers, table, children, scope);
    const horizon = computeLatestHorizon(retentions, scope.now, ages[0]);
    refuseOwnAge(pass, ages, [toTableName(table), ...along], scope);
    const expiry: KeepLastExpiry = {
      table: toTableName(table),
      ages,
      horizon,
      where,
      retentions,
      key: keptKey,
    };
    const blockers = findBlockers(scope.catalog, {
      table: toTableName(table),
      cascades: hard,
      key,
      children,
    });
    const repeats = nesting !== null || movesOwnRows(scope.catalog, table, along) || isChained({ blockers });
    const others = along.map((name) => scope.catalog.named(name));
    return {
      kind: 'expireRows',
      ...(pass.keepAtMost === undefined ? {} : { keepAtMost: pass.keepAtMost.rows }),
      ...expiry,
      key,
      ...(keepsRows ? { keeps: expiry } : {}),
      ...(repeats ? { repeats: true } : {}),
      counted: distinctTables([table, ...along]),
      rowsPerParent: estimateRowsPerParent(table, others),
      nesting,
      children,
      deferred: deferred.filter((child) => child !== undefined),
      cascades,
      ...(found === undefined ? {} : { graph: found.graph }),
      drainOrder: found === undefined ? computeDrainOrder(scope.catalog, cascades) : [],
      ...(found !== undefined || judgesByDependents(expiry, along) ? { undrained: true } : {}),
      blockers,
      ...(files.length === 0 ? {} : { files }),
    };
  },

  async readRows(found: StoredExpireRows, tx: Tx, catalogTable: CatalogTable): Promise<StoredExpireRows> {
    const stored = await addAgeIndex(found, tx, catalogTable);
    const { table, ages, where, keepAtMost, horizon, keeps } = stored;
    if (keepAtMost === undefined) return stored;
    const view = tx.view();
    const meant = view.all([view.matches(where), view.hasAge(ages)]);
    const age = await tx.tables.findNthAge(table, meant, ages, keepAtMost);
    const later = computeLaterHorizon(horizon, age);
    return {
      ...stored,
      horizon: later,
      ...(keeps === undefined ? {} : { keeps: { ...keeps, horizon: later } }),
    };
  },

  condition: listParts,

  backlog(stored: StoredExpireRows, view: View): BacklogRows {
    const where = joinParts(listParts(stored, view), view);
    return { where, age: { ages: stored.ages, until: stored.horizon, index: stored.ageIndex } };
  },

  dependents: findDependents,

  plan(stored: StoredExpireRows, table: CatalogTable, shards: number, view: View): ScanChoice {
    return {
      table,
      where: joinParts(listParts(stored, view), view, ['kept-newest', 'held', 'chained']),
      shards,
      rowsPerParent: stored.rowsPerParent,
      ...scanByAge(stored, table),
    };
  },

  preview(stored: StoredExpireRows, query: PreviewQuery): void {
    const { files = [], children, ages, nesting } = stored;
    query.recordFiles([...files, ...children.flatMap(listChildPaths)].map(({ root }) => root));
    const parts = listParts(stored, query.view);
    query.addDeleted({
      tree: findDependents(stored),
      where: joinParts(parts, query.view, ['nested', 'held', 'forbidden']),
      notHeld: findNotHeld(parts),
      notReferenced: findNotReferenced(parts),
      undated: findUndated(parts, query.view),
      ages,
      nesting,
    });
  },

  bounds(
    { table, ages, nesting, cascades, retentions }: StoredExpireRows,
    earlier: readonly TableName[],
  ): PreviewBound[] {
    const comesBack = nesting !== null && cascades.some((step) => step.table.label === table.label);
    const isDeleted = ({ label }: TableName): boolean => earlier.some((deleted) => deleted.label === label);
    const parents = retentions.flatMap(({ column }) => column?.parent?.table ?? []);
    const holders = ages.flatMap(({ parent }) => parent?.table ?? []);
    return [
      ...(comesBack
        ? [
            {
              rows: 'at least',
              why: 'it leaves out rows that are nested in a row which is deleted by cascade from another one of the table',
              here: `table ${table.label}`,
            } as const,
          ]
        : []),
      ...parents.filter(isDeleted).map(({ label }) => ({
        rows: 'about' as const,
        why: 'rows have the retention of a parent that an earlier pass deletes, and the default afterwards',
        here: `table ${label}`,
      })),
      ...holders.filter(isDeleted).map(({ label }) => ({
        rows: 'about' as const,
        why: 'rows have the age of a parent that an earlier pass deletes, and the next age, or none, afterwards',
        here: `table ${label}`,
      })),
    ];
  },

  wantedIndexes({ table, ages, ageIndex, children, deferred }: StoredExpireRows): WantedIndex[] {
    const [age] = ages;
    return [
      ...(ages.length === 1 && age.parent === undefined
        ? [{ ...indexOn({ table, by: age }, READS_ALL), served: ageIndex }]
        : []),
      ...children.map((child) => indexOn(child, 'reads the whole child table in every batch')),
      ...deferred.map((child) =>
        indexOn(child, `leaves the child table to pass ${child.pass}, which reads it whole`),
      ),
    ];
  },

  /** Parents that have the retention or the age: without one its rows have the default, or another age. */
  evidence: ({ ages, retentions }: StoredExpireRows) =>
    [...ages, ...retentions.flatMap(({ column }) => column ?? [])].flatMap(
      ({ parent }) => parent?.table ?? [],
    ),

  async runBatch(stored: StoredExpireRows, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const view = tx.view({ holds: step.holds, keepLast: step.keepLast });
    const parts = listParts(stored, view);
    const outcome = await deleteExpired(stored, tx, step, parts, view);
    const judged = [...parts, ...fullGroupPart(stored, view)];
    const kept = { table: stored.table, by: scanColumn(stored), parts: judged };
    return addKeptRows(tx, kept, view, step, outcome);
  },
};

/** An age in a row that the pass deletes itself would be gone in the middle of the pass. */
function refuseOwnAge({ age }: ExpireRows, ages: Ages, deleted: readonly TableName[], scope: Scope): void {
  for (const [n, { parent }] of ages.entries()) {
    const named = age[n];
    if (parent === undefined || !isParentAge(named)) continue;
    if (!deleted.some(({ label }) => label === parent.table.label)) continue;
    scope.addIssue(
      `age stands in ${scope.entities.name(named.parent)}, whose rows this pass deletes too, so that the order of its batches would decide which rows have an age`,
      'Use an age of the row itself, or expire the parents with these rows as soft children',
      `table ${parent.table.label}`,
    );
  }
}

const READS_ALL = 'reads the whole table instead of the old rows';

/** Why the rows that stay need a key. */
const BY_KEPT_ROWS = {
  what: 'by which the list of the rows that keepLast keeps could name them',
  fix: 'Leave keepLast out, or give the table a primary key of one column',
};

/** What a row must be for the pass to delete it, part by part. */
function listParts(stored: StoredExpireRows, view: View): ConditionPart[] {
  const { where, ages, nesting, keeps, keepAtMost } = stored;
  const tree = findDependents(stored);
  const own: ConditionPart[] = [
    { reason: 'filter-mismatch', test: view.matches(where) },
    { reason: 'no-age', test: view.hasAge(ages), impliedBy: 'too-young' },
    ...(keepAtMost === undefined
      ? [{ reason: 'kept-for-ever', test: view.canExpire(stored), impliedBy: 'too-young' } as const]
      : []),
    { reason: 'too-young', test: view.isExpired(stored), dueAt: view.dueWhenExpired(stored) },
    ...(nesting === null ? [] : [{ reason: 'nested', test: view.isNull(nesting.column) } as const]),
    ...(keeps === undefined ? [] : [{ reason: 'kept-newest', test: view.isNotKept(keeps) } as const]),
    ...heldPart(findHoldable(stored), view),
  ];
  return withBlockers(own, tree, view);
}

/** What is deleted along with a row, also by a later pass: if a hold names any of it, the row stays. */
function findHoldable(stored: StoredExpireRows): RowTree {
  const tree = findDependents(stored);
  return { ...tree, cascades: listDeferredSteps(stored.deferred, tree.cascades) };
}

function findDependents({ table, cascades, key, children, blockers, graph }: StoredExpireRows): RowTree {
  return graph === undefined
    ? { table, cascades, key, children, blockers }
    : { table, cascades, blockers, graph };
}

function indexOn({ table, by }: Pick<StoredChild, 'table' | 'by'>, why: string): WantedIndex {
  return { table, column: by.name, why };
}
