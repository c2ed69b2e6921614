import type { Edge, Graph, Row } from './world.ts';
import { DEFAULT_ID } from './world.ts';

// What the documentation says of deletes in such tables, in plain loops over all rows.

/** Rows by number of their table, by id. */
export type Ids = readonly ReadonlySet<number>[];

/** All that is deleted with some rows of the first table. */
export function close(graph: Graph, roots: Iterable<number>): Set<number>[] {
  const deleted = graph.tables.map(() => new Set<number>());
  for (const id of roots) deleted[0]?.add(id);
  for (let grows = true; grows;) {
    grows = false;
    for (const [table, rows] of graph.tables.entries()) {
      for (const row of rows) {
        if (deleted[table]?.has(row.id) === true || !goesAlong(graph, table, row, deleted)) continue;
        deleted[table]?.add(row.id);
        grows = true;
      }
    }
  }
  return deleted;
}

function goesAlong({ edges, hasSoftChild }: Graph, table: number, row: Row, deleted: Ids): boolean {
  if (hasSoftChild && table === 1 && row.owner !== null && deleted[0]?.has(row.owner) === true) return true;
  for (const edge of edges) {
    const ref = row.refs.get(edge.n) ?? null;
    if (edge.child !== table || edge.action !== 'cascade' || ref === null) continue;
    if (deleted[edge.parent]?.has(ref) === true) return true;
  }
  return false;
}

/** The rows of the first table that the pass asks for, whatever the database says. */
export function listDue({ kind, tables, edges }: Graph): number[] {
  const [first = [], second = []] = tables;
  const old = first.filter(({ isOld }) => isOld);
  if (kind === 'deleteOrphans') {
    const parents = new Set(second.map(({ id }) => id));
    return old.filter(({ owner }) => owner !== null && !parents.has(owner)).map(({ id }) => id);
  }
  const referenced = new Set(kind === 'expireRows' ? [] : second.map(({ owner }) => owner));
  if (kind === 'deleteUnreferenced') {
    for (const { n, child, parent } of edges)
      if (parent === 0) for (const { refs } of tables[child] ?? []) referenced.add(refs.get(n) ?? null);
  }
  return old.map(({ id }) => id).filter((id) => !referenced.has(id));
}

/**
 * The old rows of the first table that can be deleted: nothing that stays references what is deleted by a key that forbids it,
 * and neither a trigger nor a hold keeps any of it.
 */
export function listDeletable(graph: Graph): Set<number> {
  const roots = new Set(listDue(graph));
  for (let shrinks = true; shrinks;) {
    shrinks = false;
    const deleted = close(graph, roots);
    for (const root of roots) {
      if (!isForbidden(graph, close(graph, [root]), deleted)) continue;
      roots.delete(root);
      shrinks = true;
    }
  }
  return roots;
}

/** Whether something keeps a row of `own`, where all of `deleted` would be deleted. */
function isForbidden(graph: Graph, own: Ids, deleted: Ids): boolean {
  for (const [table, rows] of graph.tables.entries()) {
    for (const row of rows) {
      const isKept = row.isHeld || (graph.triggers[table] === 'keeps marked' && row.isMarked);
      if (own[table]?.has(row.id) === true && isKept) return true;
      if (deleted[table]?.has(row.id) === true) continue;
      for (const edge of graph.edges)
        if (edge.child === table && forbids(graph, edge, row, own, deleted)) return true;
    }
  }
  return false;
}

function forbids(graph: Graph, { n, parent, action }: Edge, row: Row, own: Ids, deleted: Ids): boolean {
  const ref = row.refs.get(n) ?? null;
  if (ref === null || own[parent]?.has(ref) !== true) return false;
  if (action === 'restrict' || action === 'no action') return true;
  return action === 'set default' && findDefault(graph, parent, deleted) === null;
}

/** The row that the defaults of a reference name, if it stays. */
function findDefault({ tables }: Graph, parent: number, deleted: Ids): number | null {
  return deleted[parent]?.has(DEFAULT_ID) === true ||
    tables[parent]?.some(({ id }) => id === DEFAULT_ID) !== true
    ? null
    : DEFAULT_ID;
}
