import type { ExpireRows } from '../../policy/expire-rows.ts';
import { isParentAge } from '../../policy/parent-age.ts';
import { isRetentionColumn } from '../../policy/retention-column.ts';
import type { View } from '../dialect/view.ts';
import { listDeferredSteps, listChildEntities, listChildPaths } from '../resolve/children.ts';
import { readExpired, resolveExpired } from '../resolve/resolve-expired.ts';
import { scanByAge } from '../resolve/scan-choice.ts';
import { listSoftChildren, listRecordedFiles } from '../resolve/soft-dependents.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import { heldPart, joinParts, previewDelete, withBlockers } from '../steps/condition-parts.ts';
import { deleteExpired } from '../steps/delete-expired.ts';
import { listLeaves } from '../steps/leaf-partitions.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredExpireRows } from '../stored/pass.ts';
import type { RowTree, StoredChild } from '../stored/row-tree.ts';
import type { BatchKind, WantedIndex } from './pass.ts';

/** Rows past their retention, with everything that belongs to them. */
export const expireRowsKind: BatchKind<ExpireRows, StoredExpireRows> = {
  kind: 'expireRows',
  expires: true,

  entities(pass) {
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

  softDependents: (pass) => [...listSoftChildren(pass.entity, pass.with), ...listRecordedFiles(pass.files)],

  leaves: ({ entity }) => [entity],

  resolve: resolveExpired,

  readRows: readExpired,

  condition: listParts,

  backlog(stored, view) {
    const where = joinParts(listParts(stored, view), view);
    return { where, age: { ages: stored.ages, until: stored.horizon, index: stored.ageIndex } };
  },

  dependents: findDependents,

  plan(stored, table, shards, view) {
    return {
      table,
      where: joinParts(listParts(stored, view), view, ['kept-newest', 'held', 'chained']),
      shards,
      rowsPerParent: stored.rowsPerParent,
      ...scanByAge(stored, table),
    };
  },

  preview(stored, query) {
    const { files = [], children, ages, nesting } = stored;
    query.recordFiles([...files, ...children.flatMap(listChildPaths)].map(({ root }) => root));
    for (const leaf of listLeaves(stored)) {
      previewDelete(query, listParts(leaf, query.view), { tree: findDependents(leaf), ages, nesting });
    }
  },

  bounds({ table, ages, nesting, cascades, retentions }, earlier) {
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

  wantedIndexes({ table, ages, ageIndex, children, deferred, cleared = [] }) {
    const [age] = ages;
    return [
      ...(ages.length === 1 && age.parent === undefined
        ? [{ ...indexOn({ table, by: age }, READS_ALL), served: ageIndex }]
        : []),
      ...children.map((child) => indexOn(child, 'reads the whole child table in every batch')),
      ...cleared.map((child) => indexOn(child, 'reads the whole child table in every batch')),
      ...deferred.map((child) =>
        indexOn(child, `leaves the child table to pass ${child.pass}, which reads it whole`),
      ),
    ];
  },

  /** Parents that have the retention or the age: without one its rows have the default, or another age. */
  evidence: ({ ages, retentions }) =>
    [...ages, ...retentions.flatMap(({ column }) => column ?? [])].flatMap(
      ({ parent }) => parent?.table ?? [],
    ),

  async runBatch(stored, tx, step) {
    const view = tx.view({ holds: step.holds, keepLast: step.keepLast });
    return deleteExpired(stored, tx, step, listParts(stored, view), view);
  },
};

const READS_ALL = 'reads the whole table instead of the old rows';

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

function findDependents({
  table,
  cascades,
  key,
  children,
  blockers,
  graph,
  cleared,
}: StoredExpireRows): RowTree {
  return graph === undefined
    ? { table, cascades, key, children, blockers, cleared }
    : { table, cascades, blockers, graph };
}

function indexOn({ table, by }: Pick<StoredChild, 'table' | 'by'>, why: string): WantedIndex {
  return { table, column: by.name, why };
}
