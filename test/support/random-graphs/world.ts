import type { Random } from '../random-schemas/choose.ts';
import { chance, choose } from '../random-schemas/choose.ts';
import type { Trigger } from './triggers.ts';
import { chooseTriggers, toTriggerSql } from './triggers.ts';

// Tables that reference one another in any way, in circles and themselves, with triggers, as data.

export const ACTIONS = ['cascade', 'set null', 'set default', 'restrict', 'no action'] as const;

/** A foreign key; the column of a key by `id` or `code` is `fkN`, and `fkNb` beside it for a key by both. */
export interface Edge {
  readonly n: number;
  readonly child: number;
  readonly parent: number;
  readonly by: 'id' | 'code' | 'both';
  readonly action: (typeof ACTIONS)[number];
  readonly isDeferred: boolean;
  readonly isIndexed: boolean;
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
  readonly tables: readonly (readonly Row[])[];
}

/** Every row references this one by default. */
export const DEFAULT_ID = 1;

export function makeGraph(random: Random, isSqlite: boolean): Graph {
  const below = (limit: number): number => Math.floor(random() * limit);
  const count = 1 + below(4);
  const edges = Array.from({ length: 1 + below(5) }, (_, n): Edge => {
    const action = choose<Edge['action']>(random, ['cascade', 'cascade', ...ACTIONS]);
    return {
      n,
      child: below(count),
      parent: below(count),
      by: action === 'set default' ? 'id' : choose(random, ['id', 'code', 'both'] as const),
      action,
      isDeferred: action !== 'restrict' && chance(random, 0.25),
      isIndexed: chance(random, 0.7),
    };
  });
  const triggers = chooseTriggers(random, count, isSqlite);
  const sizes = Array.from({ length: count }, () => 3 + below(12));
  const held = chance(random, 0.3) ? 0.08 : 0;
  const tables = sizes.map((size, table) =>
    Array.from({ length: size }, (_, n): Row => ({
      id: n + 1,
      // Codes are ids of other rows: who takes one for the other deletes a wrong row.
      code: ((n + 1) % size) + 1,
      // The row that others reference by default stays.
      isOld: (table > 0 || n + 1 !== DEFAULT_ID) && chance(random, 0.6),
      isMarked: chance(random, 0.15),
      isHeld: chance(random, held),
      // Of the first table's rows, some name a row that is not there.
      owner: chance(random, 0.4) ? null : 1 + below(table === 0 ? (sizes[1] ?? 0) + 4 : (sizes[0] ?? 1)),
      refs: new Map(
        edges
          .filter(({ child }) => child === table)
          .map((edge) => [edge.n, chance(random, 0.5) ? null : 1 + below(sizes[edge.parent] ?? 1)]),
      ),
    })),
  );
  const kind =
    count === 1
      ? 'expireRows'
      : choose<Graph['kind']>(random, ['expireRows', 'expireRows', 'expireRows', ...kindsFor(edges)]);
  return {
    kind,
    edges,
    triggers,
    hasSoftChild: kind === 'expireRows' && count > 1 && chance(random, 0.4),
    keepsNewest: kind === 'expireRows' && chance(random, 0.25) ? choose(random, [1, 2]) : 0,
    hasTypes: !isSqlite && chance(random, 0.5),
    tables,
  };
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

/** The statements that make and fill the tables. */
export function toSql(graph: Graph, isSqlite: boolean): string {
  const { edges, tables, hasTypes } = graph;
  const moment = isSqlite ? 'text' : 'timestamptz';
  const integer = hasTypes ? 'ext."Number"' : 'integer';
  const at = (isOld: boolean): string =>
    isSqlite ? `datetime('now', '-${isOld ? 9 : 0} days')` : isOld ? `now() - interval '9 days'` : `now()`;
  const create = tables.map((_, table) => {
    const own = edges.filter(({ child }) => child === table);
    const columns = own.flatMap((edge) => {
      const ending = edge.action === 'set default' ? ` default ${DEFAULT_ID}` : '';
      return listColumns(edge).map((column) => `${column} integer${ending}`);
    });
    const keys = isSqlite ? own.map((edge) => foreignKey(edge)) : [];
    return `create table t${table} (${[
      `id ${integer} primary key, code ${integer} not null unique, at ${moment} not null, marked integer not null, owner integer`,
      ...columns,
      'unique (id, code)',
      ...keys,
    ].join(', ')})`;
  });
  const fill = tables.map((rows, table) => {
    const own = edges.filter(({ child }) => child === table);
    const values = rows.map((row) =>
      [
        row.id,
        row.code,
        at(row.isOld),
        row.isMarked ? 1 : 0,
        row.owner ?? 'null',
        ...own.flatMap((edge) => spell(graph, edge, row)),
      ].join(', '),
    );
    return `insert into t${table} values ${values.map((value) => `(${value})`).join(', ')}`;
  });
  const alter = isSqlite ? [] : edges.map((edge) => `alter table t${edge.child} add ${foreignKey(edge)}`);
  const indexes = edges
    .filter(({ isIndexed }) => isIndexed)
    .map((edge) => `create index by_${edge.n} on t${edge.child} (${listColumns(edge).join(', ')})`);
  return [
    ...(isSqlite ? ['pragma foreign_keys = off'] : []),
    ...create,
    'create table said (id integer)',
    ...fill,
    ...alter,
    ...indexes,
    ...toTriggerSql(graph, isSqlite),
    isSqlite ? 'pragma foreign_keys = on' : 'analyze',
  ].join(';\n');
}

export function listColumns({ n, by }: Edge): string[] {
  return by === 'both' ? [`fk${n}`, `fk${n}b`] : [`fk${n}`];
}

function foreignKey(edge: Edge): string {
  const target = edge.by === 'both' ? 'id, code' : edge.by;
  return `foreign key (${listColumns(edge).join(', ')}) references t${edge.parent} (${target})
    on delete ${edge.action} ${edge.isDeferred ? 'deferrable initially deferred' : ''}`;
}

/** What the columns of a reference hold. A half of a pair alone references nothing. */
function spell({ tables }: Graph, { n, by, parent }: Edge, row: Row): (number | string)[] {
  const ref = row.refs.get(n) ?? null;
  const { code } = tables[parent]?.find(({ id }) => id === ref) ?? { code: null };
  if (by === 'both') return ref === null ? ['null', 1 + (row.id % 3)] : [ref, code ?? 'null'];
  return [(by === 'id' ? ref : code) ?? 'null'];
}
