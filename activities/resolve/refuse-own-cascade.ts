import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredChild, StoredPointer } from '../stored/row-tree.ts';
import { listChildTables } from './children.ts';
import type { Scope } from './scope.ts';

/** Refuses to keep rows of a table of which others are deleted along: the database would not ask which ones stay. */
export function refuseOwnCascade(
  pass: ExpireRows,
  along: readonly TableName[],
  { label }: TableName,
  scope: Scope,
): void {
  if (!along.some((table) => table.label === label)) return;
  scope.addIssue(
    `keepLast keeps rows of ${scope.entities.name(pass.entity)}, but rows of it are also deleted along with others, whichever they are`,
    'Leave keepLast out; or give the foreign key that leads back to the table no on delete cascade, and do not name the entity as a soft child',
    `table ${label}`,
  );
}

/** Refuses pointers whose holders take rows along of which nobody asks what depends on them. */
export function refuseTangledPointers(
  pointers: readonly StoredPointer[],
  { label }: TableName,
  children: readonly StoredChild[],
  scope: Scope,
): void {
  const depended = new Set([label, ...children.flatMap(listChildTables).map((table) => table.label)]);
  for (const { holder, cascades } of pointers) {
    const step = cascades.find(({ table }) => depended.has(table.label));
    if (step === undefined) continue;
    scope.addIssue(
      `a row of ${holder.label} that has nothing left to point at is deleted, and rows of ${step.table.label} along with it, whose children and pointers nobody would look for`,
      'Leave repoint out, and repair the pointer in a later repointLatest pass',
    );
  }
}
