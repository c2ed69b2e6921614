import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { RowTree, StoredNesting } from '../../../stored/row-tree.ts';
import { blockedSql, listInner } from '../../blockers.ts';
import { toSql } from '../../condition.ts';
import { references } from '../../join-path.ts';
import type { PreviewedDelete } from '../../preview.ts';
import { listClearedLinks } from '../../set-null-links.ts';
import { edgeSql } from '../blockers.ts';
import { ageExpression } from '../expiry.ts';
import { columnRef, tableRef } from '../identifiers.ts';
import { addDependents, columnsForCascades } from './dependents.ts';
import { listGroups } from './graph.ts';
import { keptColumn, referencesKept, selectLocation } from './kept-columns.ts';
import { addRepair } from './repair.ts';
import type { PreviewStatement } from './statement.ts';

/** Adds rows that a pass deletes, level after level if they are nested, and what is deleted along with them. */
export function addDeleted(statement: PreviewStatement, deleted: PreviewedDelete): void {
  const { tree, where, notHeld, notReferenced, undated, ages, nesting = null } = deleted;
  const { orphansOf, pointers = [] } = deleted;
  const { table, cascades, key = null, children = [], graph } = tree;
  statement.clearReferences(listClearedLinks(tree));
  const columns = [
    ...columnsForCascades(cascades, -1),
    ...listGroups(graph, table),
    ...(key === null ? [] : [key.name]),
    ...pointers.map(({ targetGroup }) => targetGroup.name),
    ...(nesting === null ? [] : (nesting.chain[0]?.on.map(({ parent }) => parent) ?? [nesting.references])),
  ];
  const rows = { table: statement.tableBefore(table, 't'), nesting };
  const all = sql<boolean>`(${toSql(where)}) and ${statement.isNotDeletedYet(table, 't')}`;
  const unreferenced = notReferenced === undefined ? all : sql<boolean>`${all} and (${toSql(notReferenced)})`;
  const free = notHeld === undefined ? unreferenced : sql<boolean>`${unreferenced} and (${toSql(notHeld)})`;
  const list = sql`${selectLocation('t', columns)}, ${ageExpression('t', ages)} as age`;
  const found = statement.addCte((self) => selectLevels(rows, self, list, free));
  const cte = withoutChained(statement, tree, found);
  if (notReferenced !== undefined) {
    const referenced = sql<boolean>`${all} and not (${toSql(notReferenced)})`;
    const blocked = statement.addCte(() =>
      selectLevels(rows, sql.id(cte), selectLocation('t', []), referenced),
    );
    statement.addCount(table.label, 'blocked', blocked);
  }
  if (notHeld !== undefined) {
    const held = sql<boolean>`${unreferenced} and not (${toSql(notHeld)})`;
    // Of the first level, and below the rows that are deleted.
    const heldCte = statement.addCte(() => selectLevels(rows, sql.id(cte), selectLocation('t', []), held));
    statement.addCount(table.label, 'held', heldCte);
  }
  if (undated !== undefined) {
    const count = sql`
      (select count(*) from ${rows.table} where (${toSql(undated)}) and ${statement.isNotDeletedYet(table, 't')})`;
    statement.addValue(table.label, 'undated', count);
  }
  const root = statement.markDeleted(
    table,
    cte,
    orphansOf && { by: orphansOf.by.name, parent: orphansOf.parent.label },
  );
  statement.addAge(table.label, 'oldest', 'min', cte);
  statement.addAge(table.label, 'newest', 'max', cte);
  addDependents(
    statement,
    { table, cascades, own: key === null ? undefined : { key, children }, graph },
    root,
  );
  for (const pointer of pointers) addRepair(statement, pointer, root);
}

/**
 * Takes rows away that a row references which stays, by a foreign key within the tree, and counts them: they stay as well, and
 * so do those that they reference in turn. Returns the common table expression of the others.
 */
function withoutChained(statement: PreviewStatement, tree: RowTree, found: string): string {
  const blockers = listInner(tree);
  if (blockers.length === 0) return found;
  const blocked = statement.addCte(() => {
    const rows = sql.id(found);
    return sql`
      with recursive ${edgeSql(tree.table, blockers, rows)}, ${blockedSql(rows)}
      select distinct location from blocked`;
  });
  statement.addCount(tree.table.label, 'blocked', blocked);
  return statement.addCte(
    () => sql`
      select f.*
      from ${sql.id(found)} as f
      where not exists (select from ${sql.id(blocked)} as b where b.location = f.location)`,
  );
}

/** A select of rows, alias `t`. If they are nested: of the first level, and of the rows below those of `above`. */
function selectLevels(
  { table, nesting }: { readonly table: RawBuilder<unknown>; readonly nesting: StoredNesting | null },
  above: RawBuilder<unknown>,
  list: RawBuilder<unknown>,
  where: RawBuilder<boolean>,
): RawBuilder<unknown> {
  if (nesting === null) return sql`select ${list} from ${table} where ${where}`;
  const outer = columnRef('t', nesting.column);
  return sql`
    select ${list} from ${table} where ${where} and ${outer} is null
    union
    select ${list}
    from ${above} as d
    ${joinChain(nesting)}
    join ${table} on ${outer} = ${chainEnd(nesting)}
    where ${where}`;
}

/** Joins from a deleted row, alias `d`, down to the rows that nested ones name: aliases `c0`, `c1`, ... */
function joinChain({ chain }: StoredNesting): RawBuilder<unknown> {
  const joins = chain.map((step, n) => {
    const on = n === 0 ? referencesKept(step, 'c0') : references(`c${n}`, `c${n - 1}`, step);
    return sql`join ${tableRef(step.table)} as ${sql.id(`c${n}`)} on ${on}`;
  });
  return sql.join(joins, sql` `);
}

function chainEnd({ chain, references: column }: StoredNesting): RawBuilder<unknown> {
  return chain.length === 0 ? sql.id('d', keptColumn(column)) : sql.id(`c${chain.length - 1}`, column);
}
