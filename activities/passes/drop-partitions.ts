import type { DropPartitions } from '../../policy/drop-partitions.ts';
import { parseDuration } from '../../policy/duration.ts';
import type { Tx } from '../dialect/dialect.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { Condition, Holds, View } from '../dialect/view.ts';
import { resolveAge } from '../resolve/age-column.ts';
import { findBlockers } from '../resolve/blockers.ts';
import { toStoredHorizon } from '../resolve/compute-horizon.ts';
import { refuseUndroppable } from '../resolve/partitioned-table.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import { findNotHeld, findNotReferenced, joinParts } from '../steps/condition-parts.ts';
import type { RemovedTable } from '../steps/table-step.ts';
import type { TableName } from '../stored/columns.ts';
import { toIsoInstant } from '../stored/instant.ts';
import type { StoredDropPartitions, StoredPartition } from '../stored/pass.ts';
import type { Note } from '../stored/report.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { TableKind, TableReason } from './pass.ts';

/** Autovacuum analyzes a table again once a tenth of its rows changed: so far statistics may be off. */
const STATISTICS_ERROR = 0.1;

const IN_USE =
  'each time somebody else used it or its table, or a foreign key without an index took too long to check';
const NOT_PAST = 'it is no partition of the table any more, or not old enough by its bounds';

/** Old partitions, dropped whole. */
export const dropPartitionsKind: TableKind<DropPartitions, StoredDropPartitions> = {
  kind: 'dropPartitions',
  expires: true,

  entities: ({ entity }) => [entity],

  resolve(pass, scope) {
    const table = scope.readTable(pass.entity);
    const age = resolveAge(pass.entity, table, pass.age, scope);
    if (table === undefined) return undefined;
    refuseUndroppable(pass, table, age, scope);
    if (age === undefined) return undefined;
    const name = toTableName(table);
    return {
      kind: 'dropPartitions',
      table: name,
      counted: [name],
      rowsPerParent: 1,
      ages: [age],
      ...toStoredHorizon(scope.now, pass.olderThan, age),
      lockMillis: parseDuration(pass.lockTimeout) ?? 100,
      blockers: findBlockers(scope.catalog, { table: name, cascades: [] }),
      tables: [],
    };
  },

  async readRows(stored, tx) {
    return { ...stored, tables: await findPast(stored, tx) };
  },

  plan({ tables }) {
    const scan = 'tables';
    const shards = tables.length === 0 ? [] : [{ scan, tables: tables.length } as const];
    return { scan, shards, estimate: sumRows(tables), tableRows: 0 };
  },

  preview(stored, query) {
    const { view } = query;
    for (const partition of stored.tables) {
      const parts = listParts(stored, partition, view);
      for (const leaf of partition.leaves) {
        query.addDeleted({
          tree: { table: asWhole(stored, leaf), cascades: [] },
          where: view.all([]),
          notHeld: findNotHeld(parts),
          notReferenced: findNotReferenced(parts),
          ages: stored.ages,
        });
      }
    }
  },

  async countBacklog(stored, tx, holds) {
    const view = tx.view({ holds });
    const removable: StoredPartition[] = [];
    for (const partition of await findPast(stored, tx)) {
      const whole = joinParts(listParts(stored, partition, view), view);
      if (!(await keepsRows(whole, partition, tx, view))) removable.push(partition);
    }
    const rows = sumRows(removable);
    return { rows, error: STATISTICS_ERROR * rows, oldestSeconds: null, atLeast: false };
  },

  wantedIndexes({ blockers }) {
    return blockers
      .filter(({ reference }) => !reference.indexed)
      .flatMap(({ reference: { table, on } }) =>
        on.slice(0, 1).map(({ child }) => ({
          table,
          column: child,
          why: 'reads the whole table that references to see whether a partition is needed',
        })),
      );
  },

  async explain(stored, tx, table, { holds, now }) {
    const bound = await tx.partitions?.findBound(stored.table, stored.ages[0], table);
    if (bound === undefined) return undefined;
    const partition = stored.tables.find(({ leaves }) =>
      leaves.some(({ schema, name }) => schema === table.schema && name === table.name),
    );
    if (partition === undefined) return [toYoung(stored, bound, now)];
    const view = tx.view({ holds });
    const reasons: TableReason[] = [];
    for (const { reason, test } of listParts(stored, partition, view)) {
      if (await keepsRows(test, partition, tx, view)) reasons.push({ reason, due: null });
    }
    return reasons;
  },

  async runTable(stored, { table, signal }) {
    const partition = table as StoredPartition;
    return {
      bytes: 0,
      notes: [],
      removal: {
        remove: async (tx, holds) =>
          tx.cancelOn(signal, async () => dropPartition(stored, partition, tx, holds, signal)),
        leave: () => ({
          skipped: partition.rows,
          notes: [noteStays(partition, IN_USE)],
        }),
      },
    };
  },
};

/** Judges a partition that nobody can write to any more, counts its rows and drops it. */
async function dropPartition(
  stored: StoredDropPartitions,
  planned: StoredPartition,
  tx: Tx,
  holds: Holds,
  signal: AbortSignal,
): Promise<RemovedTable> {
  const { partitions } = tx;
  const [before] = await findPast(stored, tx, planned);
  if (partitions === undefined || before === undefined) return { notes: [noteStays(planned, NOT_PAST)] };
  await partitions.lock(before);
  // Somebody may have detached it, or attached it with other bounds, before it was locked.
  const [partition] = await findPast(stored, tx, planned);
  if (partition === undefined) return { notes: [noteStays(planned, NOT_PAST)] };
  const view = tx.view({ holds });
  const parts = listParts(stored, partition, view);
  const { rows } = await tx.tables.count(partition, view.all([]), undefined);
  if (await keepsRows(findNotReferenced(parts), partition, tx, view)) return toNeeded(partition, rows);
  if (await keepsRows(findNotHeld(parts), partition, tx, view)) {
    return { held: rows, notes: [noteStays(partition, 'a hold names rows of it')] };
  }
  const sizes = (await tx.sizes?.read([partition])) ?? [];
  const bytes = sizes.reduce((sum, { heap, indexes, toast }) => sum + heap + indexes + toast, 0);
  if ((await partitions.drop(stored.table, partition, stored.lockMillis, signal)) === 'needed')
    return toNeeded(partition, rows);
  return {
    deleted: { [stored.table.label]: rows },
    bytes,
    notes: [{ what: 'partitions were dropped', here: `table ${partition.label}, ${rows} rows` }],
  };
}

async function findPast(
  { table, ages, horizon }: StoredDropPartitions,
  tx: Tx,
  only?: StoredPartition,
): Promise<readonly StoredPartition[]> {
  return (await tx.partitions?.findPast(table, ages[0], horizon, only)) ?? [];
}

/** Why a partition stays that is not past the horizon: until its upper bound is, if it has one. */
function toYoung({ horizon }: StoredDropPartitions, bound: string | null, now: string): TableReason {
  if (bound === null) return { reason: 'open-partition', due: null };
  const due = Date.parse(bound) + Date.parse(now) - Date.parse(horizon);
  // Rows of a foreign table stay, however old they are.
  if (due <= Date.parse(now)) return { reason: 'other', due: null };
  return { reason: 'young-partition', due: toIsoInstant(due) };
}

/** What keeps a partition. All of its rows go or none does: each part is about the partition, whatever the row. */
function listParts(
  { blockers }: StoredDropPartitions,
  { leaves, needed }: StoredPartition,
  view: View,
): ConditionPart[] {
  // A hold names rows by the table where they lie.
  const ofAll = (find: (tree: RowTree) => Condition | undefined): Condition[] =>
    leaves.flatMap((table) => {
      const test = find({ table, cascades: [], blockers });
      return test === undefined ? [] : [view.isTrueOfNone(table, view.not(test))];
    });
  const never = view.not(view.all([]));
  const free = [...(needed === true ? [never] : []), ...ofAll((tree) => view.isNotReferenced(tree))];
  const notHeld = ofAll((tree) => view.isNotHeld(tree));
  return [
    ...(free.length === 0 ? [] : [{ reason: 'referenced', test: view.all(free), forbids: true } as const]),
    ...(notHeld.length === 0 ? [] : [{ reason: 'held', test: view.all(notHeld) } as const]),
  ];
}

/** Whether a condition about a partition as a whole keeps its rows. Reads them only then. */
async function keepsRows(
  test: Condition | undefined,
  partition: StoredPartition,
  tx: Tx,
  view: View,
): Promise<boolean> {
  return test !== undefined && (await tx.tables.count(partition, view.not(test), undefined)).rows > 0;
}

/** As reports write it: its rows are those of the partitioned table. */
function asWhole({ table: { label } }: StoredDropPartitions, leaf: TableName): TableName {
  return { ...leaf, label };
}

function sumRows(partitions: readonly StoredPartition[]): number {
  return partitions.reduce((sum, { rows }) => sum + rows, 0);
}

function toNeeded(partition: StoredPartition, rows: number): RemovedTable {
  return {
    blocked: rows,
    notes: [noteStays(partition, 'rows reference rows of it, or a view or another object depends on it')],
  };
}

function noteStays({ label }: StoredPartition, why: string): Note {
  return { what: `a partition stays: ${why}`, here: `table ${label}` };
}
