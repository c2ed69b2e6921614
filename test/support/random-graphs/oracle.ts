import type { Edge, Graph, Row } from './world.ts';
import { DEFAULT_ID, listReached } from './world.ts';

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

/** The newest rows of each owner that stay. Old rows are of one age: of these the last ids are the newest. */
export function listKept({ keepsNewest, tables }: Pick<Graph, 'keepsNewest' | 'tables'>): Set<number> {
  const [first = []] = tables;
  const newest = first.toSorted((a, b) => Number(a.isOld) - Number(b.isOld) || b.id - a.id);
  const kept = new Set<number>();
  for (const { id, owner } of newest) {
    const others = newest.filter((other) => other.owner === owner && kept.has(other.id));
    if (others.length < keepsNewest) kept.add(id);
  }
  return kept;
}

/** The tables that no pass may meet for their rules, or since their foreign keys are off: that it deletes from or sets references in. */
export function listRuled({ edges, triggers, kind, hasSoftChild }: Graph): number[] {
  // A row that something references by a foreign key is not unreferenced: nothing is deleted along.
  const reached =
    kind === 'deleteUnreferenced' ? new Set([0]) : listReached(edges, hasSoftChild ? [0, 1] : [0]);
  const set = edges.filter(
    ({ parent, action }) => reached.has(parent) && (action === 'set null' || action === 'set default'),
  );
  const changed = new Set(kind === 'deleteUnreferenced' ? [] : set.map(({ child }) => child));
  return [...triggers.keys()].filter(
    (table) =>
      (triggers[table] === 'rule' && reached.has(table)) ||
      (triggers[table] === 'all off' && reached.has(table) && edges.some(({ parent }) => parent === table)) ||
      (triggers[table] === 'update rule' && changed.has(table)),
  );
}

/** The rows of the first table that the pass asks for, whatever the database says. */
export function listDue({ kind, tables, edges, keepsNewest }: Graph): number[] {
  const [first = [], second = []] = tables;
  const kept = listKept({ keepsNewest, tables });
  const old = first.filter(({ id, isOld }) => isOld && !kept.has(id));
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
      const trigger = graph.triggers[table];
      const isKept =
        row.isHeld || (row.isMarked && (trigger === 'keeps marked' || trigger === 'refuses marked'));
      if (own[table]?.has(row.id) === true && isKept) return true;
      if (deleted[table]?.has(row.id) === true) continue;
      for (const edge of graph.edges)
        if (edge.child === table && forbids(graph, edge, row, own, deleted)) return true;
    }
  }
  return false;
}

function forbids(
  graph: Graph,
  { n, child, parent, action }: Edge,
  { refs, isMarked }: Row,
  own: Ids,
  deleted: Ids,
): boolean {
  const ref = refs.get(n) ?? null;
  if (ref === null || own[parent]?.has(ref) !== true) return false;
  if (action === 'restrict' || action === 'no action') return true;
  if (graph.triggers[child] === 'keeps references' && isMarked && action !== 'cascade') return true;
  return action === 'set default' && findDefault(graph, parent, deleted) === null;
}

/** The row that the defaults of a reference name, if it stays. */
function findDefault({ tables }: Graph, parent: number, deleted: Ids): number | null {
  return deleted[parent]?.has(DEFAULT_ID) === true ||
    tables[parent]?.some(({ id }) => id === DEFAULT_ID) !== true
    ? null
    : DEFAULT_ID;
}
