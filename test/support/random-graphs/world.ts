import type { Random } from '../random-schemas/choose.ts';
import { chance, choose } from '../random-schemas/choose.ts';
import type { Trigger } from './triggers.ts';
import { chooseTriggers } from './triggers.ts';

// Tables that reference one another in any way, in circles and themselves, with triggers, as data.

export const ACTIONS = ['cascade', 'set null', 'set default', 'restrict', 'no action'] as const;

/**
 * A foreign key; the column of a key by `id` or `code` is `fkN`, and `fkNb` beside it for a key by both. That of one by which soft
 * children belong to their row is `owner`.
 */
export interface Edge {
  readonly n: number;
  readonly child: number;
  readonly parent: number;
  readonly by: 'id' | 'code' | 'both';
  readonly action: (typeof ACTIONS)[number];
  readonly isDeferred: boolean;
  readonly isIndexed: boolean;
  readonly isOwner?: true;
}

export interface Row {
  readonly id: number;
  readonly code: number;
  readonly isOld: boolean;
  readonly isMarked: boolean;
  /** A hold names it. */
  readonly isHeld: boolean;
  /** The row of the first table that it belongs to without a foreign key. */
  readonly owner: number | null;
  /** The row of the parent that each edge of the table names, by its id. */
  readonly refs: Map<number, number | null>;
}

export interface Graph {
  /** What the pass over the first table is. Of orphans, the second table has the parents; unreferenced, it references the first. */
  readonly kind: 'expireRows' | 'deleteOrphans' | 'deleteUnreferenced';
  readonly edges: readonly Edge[];
  readonly triggers: readonly Trigger[];
  /** The rows of the second table belong to those of the first by `owner`. */
  readonly hasSoftChild: boolean;
  /** So many of the newest rows of each owner stay. */
  readonly keepsNewest: number;
  readonly hasTypes: boolean;
  /** Rows are wide and the first pages have room: one that a foreign key updates moves to the front. */
  readonly isLoose: boolean;
  readonly tables: readonly (readonly Row[])[];
}

const FORBIDDING = ['cascade', 'no action', 'restrict', 'set null'] as const;
const TAKING = ['cascade', 'cascade', 'set null'] as const;

/** Every row references this one by default. */
export const DEFAULT_ID = 1;

export function makeGraph(random: Random, isSqlite: boolean): Graph {
  const below = (limit: number): number => Math.floor(random() * limit);
  // Few tables with many keys among them, of which none is off: what forbids a delete comes back to its own rows.
  const isKnot = chance(random, 0.35);
  // Soft children with rows below them, which alone are held.
  const isDeep = !isKnot && chance(random, 0.15);
  const count = isKnot ? choose(random, [1, 2, 2]) : isDeep ? 3 : 1 + below(4);
  const actions = isKnot
    ? choose(random, [FORBIDDING, TAKING])
    : (['cascade', 'cascade', ...ACTIONS] as const);
  const edges = Array.from({ length: 1 + below(5) }, (_, n): Edge => {
    const isBelow = isDeep && n === 0;
    const action = isBelow ? 'cascade' : choose<Edge['action']>(random, actions);
    return {
      n,
      child: isBelow ? 2 : below(count),
      parent: isBelow ? 1 : below(count),
      by: action === 'set default' ? 'id' : choose(random, ['id', 'code', 'both'] as const),
      action,
      isDeferred: action !== 'restrict' && chance(random, action === 'no action' ? 0.5 : 0.2),
      isIndexed: chance(random, 0.7),
    };
  });
  const triggers = isKnot
    ? Array.from({ length: count }, () => 'none' as const)
    : chooseTriggers(random, count, isSqlite);
  const sizes = Array.from({ length: count }, () => 3 + below(12));
  // In all tables, or in one alone: of most rows that go with a held one nothing else is held then.
  const held = isDeep ? 0.2 : chance(random, 0.35) ? choose(random, [0.08, 0.2]) : 0;
  const heldTable = isDeep ? 2 : held > 0.1 ? below(count) : null;
  const tables = sizes.map((size, table) =>
    Array.from({ length: size }, (_, n): Row => {
      // Of the first table's rows, some name a row that is not there.
      const owner = chance(random, 0.4)
        ? null
        : 1 + below(table === 0 ? (sizes[1] ?? 0) + 4 : (sizes[0] ?? 1));
      // Soft children may name the row that they belong to by a foreign key as well.
      const refer = ({ child, parent }: Edge): number | null =>
        child === 1 && parent === 0 && chance(random, 0.3)
          ? owner
          : chance(random, 0.5)
            ? null
            : 1 + below(sizes[parent] ?? 1);
      const own = edges.filter(({ child }) => child === table);
      return {
        id: n + 1,
        // Codes are ids of other rows: who takes one for the other deletes a wrong row.
        code: ((n + 1) % size) + 1,
        // The row that others reference by default stays.
        isOld: (table > 0 || n + 1 !== DEFAULT_ID) && chance(random, 0.6),
        isMarked: chance(random, 0.15),
        isHeld: chance(random, heldTable === null || heldTable === table ? held : 0),
        owner,
        refs: new Map(own.map((edge) => [edge.n, refer(edge)])),
      };
    }),
  );
  const kind =
    count === 1 || isDeep
      ? 'expireRows'
      : choose<Graph['kind']>(random, ['expireRows', 'expireRows', 'expireRows', ...kindsFor(edges)]);
  const hasSoftChild = kind === 'expireRows' && count > 1 && (isDeep || chance(random, 0.7));
  const owners = hasSoftChild && chance(random, 0.35) ? [makeOwnerEdge(random, edges.length, tables)] : [];
  return {
    kind,
    edges: [...edges, ...owners],
    triggers,
    hasSoftChild,
    keepsNewest: kind === 'expireRows' && chance(random, 0.2) ? choose(random, [1, 2]) : 0,
    hasTypes: !isSqlite && chance(random, 0.5),
    isLoose: !isSqlite && chance(random, 0.3),
    tables,
  };
}

/** A foreign key on the very column by which soft children belong to their row. */
function makeOwnerEdge(random: Random, n: number, tables: Graph['tables']): Edge {
  for (const { refs, owner } of tables[1] ?? []) refs.set(n, owner);
  const action = choose(random, ['no action', 'restrict', 'set null', 'cascade'] as const);
  const isDeferred = action !== 'restrict' && chance(random, 0.25);
  return { n, child: 1, parent: 0, by: 'id', action, isDeferred, isIndexed: false, isOwner: true };
}

/** The kinds of passes that a graph can have besides: none that would make more rows deletable itself. */
function kindsFor(edges: readonly Edge[]): Graph['kind'][] {
  const reached = listReached(edges, [0]);
  return [
    ...(reached.has(1) ? [] : (['deleteOrphans'] as const)),
    ...(edges.some(({ parent, child }) => parent === 0 && child === 0)
      ? []
      : (['deleteUnreferenced'] as const)),
  ];
}

/** The tables that a delete reaches from some by cascade, and these, by their numbers. */
export function listReached(edges: readonly Edge[], from: readonly number[]): Set<number> {
  const reached = new Set(from);
  for (const table of reached) {
    for (const { parent, child, action } of edges)
      if (parent === table && action === 'cascade') reached.add(child);
  }
  return reached;
}

export function listColumns({ n, by, isOwner }: Edge): string[] {
  if (isOwner === true) return ['owner'];
  return by === 'both' ? [`fk${n}`, `fk${n}b`] : [`fk${n}`];
}
