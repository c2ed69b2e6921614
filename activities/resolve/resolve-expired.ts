import type { ExpireRows } from '../../policy/expire-rows.ts';
import { isParentAge } from '../../policy/parent-age.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import { isInstant } from '../dialect/column-types.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isChained } from '../dialect/needs-locks.ts';
import { distinctTables, toTableName } from '../dialect/table-names.ts';
import type { Ages, TableName, Predicate } from '../stored/columns.ts';
import type { KeepLastExpiry, Expiry } from '../stored/expiry.ts';
import type { StoredExpireRows } from '../stored/pass.ts';
import { findBlockers } from './blockers.ts';
import { cascadesFrom, computeDrainOrder, movesOwnRows } from './cascades.ts';
import {
  deferChild,
  findChildKey,
  resolveChild,
  listChildCascades,
  listChildPointers,
  estimateRowsPerParent,
  listTablesAlong,
} from './children.ts';
import { listCleared, refuseCleared, resolveCleared, splitChildren } from './cleared-children.ts';
import { computeLaterHorizon } from './compute-horizon.ts';
import { recordsFiles, resolvePaths, refuseUnrecordedPaths } from './file-roots.ts';
import { resolveNesting } from './nesting.ts';
import { refuseUnsplittable } from './partitioned-table.ts';
import { refuseOwnCascade, refuseTangledPointers } from './refuse-own-cascade.ts';
import { resolveAges, resolveRetentions, computeLatestHorizon } from './retention.ts';
import { findGraph } from './row-graph.ts';
import { addAgeIndex } from './scan-choice.ts';
import type { Scope } from './scope.ts';

/** Looks up an `expireRows` pass; of a partitioned table for each table where its rows lie as well. */
export function resolveExpired(pass: ExpireRows, scope: Scope): StoredExpireRows | undefined {
  const table = scope.table(pass.entity, PRIVILEGES, true);
  if (table?.partitioning !== undefined) refuseUnsplittable(pass, table, scope);
  const whole = resolveOn(pass, table, scope);
  if (whole === undefined || table?.partitioning === undefined) return whole;
  const leaves = table.partitioning.leaves.map((id) => {
    const leaf = scope.catalog.get(id);
    // A privilege on the whole does not count for a partition that is named.
    if (!scope.isUsable(leaf, pass.entity, PRIVILEGES)) return undefined;
    return resolveOn(pass, { ...leaf, label: table.label }, scope);
  });
  return leaves.every((leaf) => leaf !== undefined) ? { ...whole, leaves } : undefined;
}

const PRIVILEGES = ['select', 'update', 'delete'] as const;

function resolveOn(
  pass: ExpireRows,
  table: CatalogTable | undefined,
  scope: Scope,
): StoredExpireRows | undefined {
  const ages = resolveAges(pass, table, scope);
  const where = scope.predicate(pass.entity, pass.where);
  const retentions = resolveRetentions(pass, table, ages?.[0], scope);
  const { kept, removed } = splitChildren(pass.with);
  const deferred = removed.map((child) =>
    recordsFiles(pass.files, child.entity) ? undefined : deferChild(child, pass.entity, table, scope),
  );
  const owned = removed.filter((_, n) => deferred[n] === undefined);
  const keepsRows = retentions?.some(({ keep }) => keep !== null) === true;
  const keptKey = keepsRows ? scope.key(pass.entity, table, BY_KEPT_ROWS) : null;
  const nesting = pass.nestedBy === undefined ? null : resolveNesting(pass, pass.nestedBy, table, scope);
  const children = owned.map((child) => resolveChild(child, pass.entity, table, pass.files, scope));
  const ownCleared = kept.map((child) => resolveCleared(child, pass.entity, table, scope));
  const files = resolvePaths(pass.files, pass.entity, table, scope);
  if (table === undefined || ages === undefined || keptKey === undefined || nesting === undefined)
    return undefined;
  if (retentions === undefined) return undefined;
  if (!children.every((child) => child !== undefined)) return undefined;
  if (!ownCleared.every((child) => child !== undefined)) return undefined;
  const key = findChildKey(pass.entity, [...children, ...ownCleared], scope);
  if (key === undefined) return undefined;
  const cleared = listCleared(ownCleared, children);
  const found = findGraph(scope.catalog, { table, children, files, cleared });
  refuseCleared(cleared, children, toTableName(table), found !== undefined, scope);
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
    cleared,
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
    ...(found !== undefined || judgesByDependents(expiry, [...along, ...cleared.map((one) => one.table)])
      ? { undrained: true }
      : {}),
    ...(cleared.length === 0 ? {} : { cleared }),
    blockers,
    ...(files.length === 0 ? {} : { files }),
  };
}

/** Adds what the rows tell: the horizon of `keepAtMost`, the partial index, and which partitions can have old rows. */
export async function readExpired(
  found: StoredExpireRows,
  tx: Tx,
  catalogTable: CatalogTable,
  catalog: Catalog,
): Promise<StoredExpireRows> {
  const stored = await moveHorizon(await addAgeIndex(found, tx, catalogTable), tx);
  if (found.leaves === undefined) return stored;
  const { horizon, table, ages } = stored;
  const isBound = ages.length === 1 && ages[0].parent === undefined && isInstant(ages[0].type);
  const young = isBound ? ((await tx.partitions?.findYoung(table, ages[0], horizon)) ?? []) : [];
  const leaves: StoredExpireRows[] = [];
  for (const leaf of found.leaves) {
    const { schema, name } = leaf.table;
    const own = catalog.named(leaf.table);
    if (own === undefined || young.some((other) => other.schema === schema && other.name === name)) continue;
    leaves.push({ ...(await addAgeIndex(leaf, tx, own)), horizon });
  }
  return { ...stored, leaves };
}

async function moveHorizon(stored: StoredExpireRows, tx: Tx): Promise<StoredExpireRows> {
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
}

/** An age in a row that the pass deletes itself would be missing in the middle of the pass. */
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

/** Why the rows that stay need a key. */
const BY_KEPT_ROWS = {
  what: 'by which the list of the rows that keepLast keeps could name them',
  fix: 'Leave keepLast out, or give the table a primary key of one column',
};

/**
 * Whether the condition of a row reads what is deleted along with it. Such a row is deleted whole: if a part of it were
 * deleted first, the condition could be false for what is left.
 */
function judgesByDependents(
  { where, ages, retentions }: Pick<Expiry, 'where' | 'ages' | 'retentions'>,
  along: readonly TableName[],
): boolean {
  const filters = [where, ...retentions.flatMap((retention) => retention.where ?? [])];
  const parents = new Set(
    [...ages, ...retentions.flatMap(({ column }) => column ?? [])].flatMap(
      ({ parent }) => parent?.table.label ?? [],
    ),
  );
  return along.some(
    ({ name, label }) => parents.has(label) || filters.some((filter) => readsTable(filter, name)),
  );
}

/** Whether a filter may read a table: also if its name only stands there as something else. */
function readsTable({ selects, text }: Predicate, table: string): boolean {
  return selects && text.toLowerCase().includes(table.toLowerCase());
}
