import type { TriggerReach } from '../../stored/pass.ts';
import type { WritingTrigger } from '../catalog.ts';
import type { Connection } from './connection.ts';
import type { ReachedNode } from './reached-nodes.ts';
import { findNamed, readRoutines, readWrittenTables } from './reached-nodes.ts';

/** A trigger with the id of its function. */
export interface FiringTrigger extends Pick<WritingTrigger, 'name' | 'on'> {
  readonly routine: string;
}

/** What a trigger does, with whatever runs on its behalf. */
export interface TriggerEffects extends Pick<WritingTrigger, 'deletes' | 'writes' | 'reach'> {
  /** It may raise an error. */
  readonly raises: boolean;
}

/** Routines and tables, each by its id: an oid is that of one thing only within its catalog. */
interface Nodes {
  readonly routines: Map<string, ReachedNode>;
  readonly tables: Map<string, ReachedNode>;
}

/**
 * What triggers do, by the ids of their functions: these, all routines that they call, the triggers and rules of the tables that
 * they write, and so on.
 */
export async function readTriggerEffects(
  connection: Connection,
  firing: readonly FiringTrigger[],
): Promise<Map<string, TriggerEffects>> {
  const own = [...new Set(firing.map(({ routine }) => routine))];
  const nodes: Nodes = { routines: new Map(), tables: new Map() };
  let routines = own;
  let tables: string[] = [];
  while (routines.length + tables.length > 0) {
    const found = await withNamed(connection, await readRoutines(connection, routines));
    const written = await withNamed(connection, await readWrittenTables(connection, tables));
    for (const node of found) nodes.routines.set(node.id, node);
    for (const node of written) nodes.tables.set(node.id, node);
    const read = [...found, ...written];
    routines = listNew(
      nodes.routines,
      read.map((node) => node.routines),
    );
    tables = listNew(
      nodes.tables,
      read.map((node) => node.tables),
    );
  }
  return new Map(own.map((routine) => [routine, joinEffects(routine, nodes)]));
}

function listNew(nodes: ReadonlyMap<string, ReachedNode>, lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].filter((id) => !nodes.has(id));
}

/** Nodes with the routines and tables that their texts name. */
async function withNamed(connection: Connection, nodes: readonly ReachedNode[]): Promise<ReachedNode[]> {
  const found = await findNamed(connection, nodes);
  return nodes.map((node, n) => ({
    ...node,
    routines: [...node.routines, ...(found[n]?.routines ?? [])],
    tables: [...node.tables, ...(found[n]?.tables ?? [])],
  }));
}

function joinEffects(routine: string, nodes: Nodes): TriggerEffects {
  const reached = new Set<ReachedNode>();
  const follow = (node: ReachedNode | undefined): void => {
    if (node === undefined || reached.has(node)) return;
    reached.add(node);
    for (const id of node.routines) follow(nodes.routines.get(id));
    for (const id of node.tables) follow(nodes.tables.get(id));
  };
  follow(nodes.routines.get(routine));
  const all = [...reached];
  return {
    deletes: all.some(({ deletes }) => deletes),
    raises: all.some(({ raises }) => raises),
    writes: [...new Set(all.flatMap(({ shares }) => shares))],
    reach: toReach(all, routine),
  };
}

function toReach(reached: readonly ReachedNode[], own: string): TriggerReach {
  return {
    tables: reached.flatMap(({ table }) => (table === null ? [] : [table])),
    routines: reached.filter(({ id, table }) => table === null && id !== own).map(({ id }) => id),
    firesLate: reached.some(({ firesLate }) => firesLate),
  };
}
