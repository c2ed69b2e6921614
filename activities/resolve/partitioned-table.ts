import type { DropPartitions } from '../../policy/drop-partitions.ts';
import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { Catalog, CatalogTable, ForeignKey } from '../dialect/catalog.ts';
import type { ColumnName } from '../stored/columns.ts';
import { forbidsDelete } from './cascades.ts';
import type { Scope } from './scope.ts';

const BY_ROWS = 'delete its rows with an expireRows pass';

/** Refuses a table whose partitions cannot be dropped for their age, or where a drop would do less than a delete. */
export function refuseUndroppable(
  { entity }: DropPartitions,
  table: CatalogTable,
  age: ColumnName | undefined,
  scope: Scope,
): void {
  const name = `entity ${scope.entities.name(entity)}`;
  const here = `table ${table.label}`;
  const { partitioning } = table;
  if (partitioning === undefined) {
    scope.addIssue(
      `${name} is not partitioned, so that there is nothing to drop`,
      'Use expireRows. Only PostgreSQL has partitioned tables',
      here,
    );
    return;
  }
  const { by, columns, owned, readable, deleteTriggers } = partitioning;
  if (age !== undefined && (by !== 'range' || columns.length > 1 || columns[0] !== age.name)) {
    const key = columns.map((column) => column ?? 'an expression').join(', ');
    scope.addIssue(
      `${name} is partitioned by ${by} of something else than its age alone, so that bounds do not tell how old the rows of a partition are`,
      `Name the age that it is partitioned by, or ${BY_ROWS}`,
      `${here} is partitioned by ${by} of ${key}`,
    );
  }
  if (scope.purpose === 'execute' && !owned) {
    scope.addIssue(
      `the database role does not own the table of ${name} and all of its partitions, and only their owner may drop one`,
      'Use the role that owns them, or make the role a member of it',
      here,
    );
  }
  if (!readable) {
    scope.addIssue(
      `the database role may not select from each partition of ${name} by its own name, whose rows are counted one partition after the other`,
      'Grant it, as the owner of the partitions',
      here,
    );
  }
  if (deleteTriggers.length > 0) {
    scope.addIssue(
      `the table of ${name}, or a partition of it, has triggers on delete, and dropping a partition fires none`,
      `Drop the triggers, or ${BY_ROWS}`,
      `${deleteTriggers.join(', ')} of ${here}`,
    );
  }
  refuseKeys(name, table, scope);
}

/** Refuses what cannot be done one partition after the other, each for itself. */
export function refuseUnsplittable(pass: ExpireRows, table: CatalogTable, scope: Scope): void {
  const name = `entity ${scope.entities.name(pass.entity)}`;
  const here = `table ${table.label}`;
  const retentions = [pass, ...pass.overrides];
  const refused = [
    ...(retentions.some(({ keepLast }) => keepLast != null) ? ['keepLast'] : []),
    ...(pass.nestedBy === undefined ? [] : ['nestedBy']),
  ];
  for (const option of refused) {
    scope.addIssue(
      `${option} is about rows of several partitions of ${name}, which the pass deletes from one after the other`,
      `Leave ${option} out, or name the entity of a single partition`,
      here,
    );
  }
  const { statementTriggers = [] } = table.partitioning ?? {};
  if (statementTriggers.length > 0) {
    scope.addIssue(
      `${name} has triggers that fire once for a delete in the whole table, and a delete in a partition fires none of them`,
      'Let them fire for each row, or name the entity of a single partition if nothing depends on them',
      `${statementTriggers.join(', ')} of ${here}`,
    );
  }
}

/** Whether a delete of rows would do more than a drop of their partition: fire triggers, or foreign keys. */
export function dropDoesLess(table: CatalogTable, catalog: Catalog): boolean {
  const { deleteTriggers = [] } = table.partitioning ?? {};
  return (
    deleteTriggers.length > 0 ||
    catalog.referencesTo(table).some((key) => findUndone(key, table) !== undefined)
  );
}

/** What a delete of rows would do that a drop of their partition does not, by a foreign key; undefined if nothing. */
function findUndone(
  key: ForeignKey,
  { partitioning }: CatalogTable,
): 'references itself' | 'changes rows' | undefined {
  if (partitioning?.members.includes(key.child) === true) return 'references itself';
  return forbidsDelete(key) ? undefined : 'changes rows';
}

/** Foreign keys that would do something to rows that reference, or that lead from the table to itself. */
function refuseKeys(name: string, table: CatalogTable, scope: Scope): void {
  const { catalog } = scope;
  for (const key of catalog.referencesTo(table)) {
    const here = `foreign key ${key.name} of table ${catalog.findLabel(key.child) ?? ''}`;
    const undone = findUndone(key, table);
    if (undone === 'references itself') {
      scope.addIssue(
        `rows of ${name} reference one another, so that a partition may be needed by others`,
        `Drop the foreign key, or ${BY_ROWS}`,
        here,
      );
    } else if (undone === 'changes rows') {
      scope.addIssue(
        `a foreign key deletes or changes rows when a row of ${name} that they reference is deleted, and dropping a partition does neither`,
        `Give it no action, or ${BY_ROWS}`,
        here,
      );
    } else {
      scope.mayRead(catalog.get(key.child), `rows that reference ${name}`);
    }
  }
}
