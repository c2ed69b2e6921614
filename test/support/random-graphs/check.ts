import { isDeepStrictEqual } from 'node:util';

import { expect } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { ValidationError } from '../../../policy/issue.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EngineOptions } from '../engine.ts';
import { runEngine } from '../engine.ts';
import { choose } from '../random-schemas/choose.ts';
import { makeRandom } from '../random.ts';
import { close, listDeletable, listDue, listKept, listRuled } from './oracle.ts';
import { listStatements } from './sql.ts';
import type { Graph } from './world.ts';
import { DEFAULT_ID, listColumns, makeGraph } from './world.ts';

/** A database of either kind, to be used for one graph after the other. */
export interface GraphDatabase {
  readonly url: string;
  readonly isSqlite: boolean;
  /** Drops all tables that a graph has. */
  reset(): Promise<void>;
  rows(sql: string): Promise<Record<string, number | null>[]>;
  execute(sql: string): Promise<void>;
}

/** What became of a graph. */
export type Outcome = 'deleted' | 'kept some' | 'refused';

const T0 = defineEntity({
  name: 'T0',
  tableName: 't0',
  properties: { id: p.integer().primary(), at: p.datetime(), owner: p.integer().nullable() },
});
const T1 = defineEntity({
  name: 'T1',
  tableName: 't1',
  properties: { id: p.integer().primary(), owner: p.integer().nullable() },
});
const own = { id: p.integer().primary() };
const T2 = defineEntity({ name: 'T2', tableName: 't2', properties: own });
const T3 = defineEntity({ name: 'T3', tableName: 't3', properties: own });
const ENTITIES = [T0, T1, T2, T3];

/** Makes tables, rows and a policy from a seed, previews and runs it, and compares what is left with what the documentation says. */
export async function checkRandomGraph(database: GraphDatabase, seed: number): Promise<Outcome> {
  const random = makeRandom(seed);
  const graph = makeGraph(random, database.isSqlite);
  const options = choose<EngineOptions>(random, [
    {},
    { size: 1 },
    { size: 3 },
    { size: 3, lockFirst: true },
    { scan: 'by-location' },
    { scan: 'by-location', size: 1 },
    { scan: 'by-age', size: 2 },
  ]);
  await database.reset();
  for (const statement of listStatements(graph, database.isSqlite)) await database.execute(statement);
  return tellStory(seed, graph, { options }, async () => check(database, graph, options));
}

/** Runs the check of a graph; if it fails, the error says all of the graph and of what else was done. */
export async function tellStory<T>(
  seed: number,
  { tables, ...shape }: Graph,
  more: object,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const rows = tables.map((table) => table.map((row) => ({ ...row, refs: Object.fromEntries(row.refs) })));
    const story = [{ ...shape, ...more }, ...rows].map((part) => JSON.stringify(part)).join('\n');
    throw new Error(`the graph of TEST_GRAPH_SEED=${seed}: ${message}\n${story}`, { cause: error });
  }
}

export function makePolicy(graph: Graph): Policy {
  const { tables } = graph;
  return definePolicy({
    name: 'graph',
    enabled: true,
    entities: ENTITIES.slice(0, tables.length),
    limits: { maxPercent: 100 },
    passes: [makePass(graph)],
  });
}

function makePass({ kind, hasSoftChild, keepsNewest }: Graph): Pass {
  const common = { name: 'old', entity: T0, age: 'at' } as const;
  if (kind === 'deleteOrphans') return deleteOrphans({ ...common, by: 'owner', parent: T1 });
  if (kind === 'deleteUnreferenced')
    return deleteUnreferenced({ ...common, references: [softReference({ entity: T1, by: 'owner' })] });
  const soft = hasSoftChild ? [softChild({ entity: T1, by: 'owner' })] : [];
  return expireRows({
    ...common,
    olderThan: '1 day',
    ...(keepsNewest === 0 ? {} : { keepLast: { count: keepsNewest, per: ['owner'] } }),
    with: soft,
  });
}

async function check(database: GraphDatabase, graph: Graph, options: EngineOptions): Promise<Outcome> {
  const policy = makePolicy(graph);
  const before = await readAll(database, graph);
  const opened = await openDatabase(database.url);
  let preview;
  try {
    await holdRows(opened, policy, graph);
    preview = (await previewPolicy(opened, policy, ['old'])).passes[0];
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    // Refused by name, before it deletes anything.
    expect(error.message).toMatch(/\bt\d\b/i);
    await expect(runEngine(database.url, policy, options)).rejects.toThrow(ValidationError);
    expect(await readAll(database, graph)).toEqual(before);
    return 'refused';
  } finally {
    await opened.close();
  }
  expect(listRuled(graph)).toEqual([]);
  const run = (await runEngine(database.url, policy, options)).passes[0];
  const after = await readAll(database, graph);
  const left = after.map((rows) => new Set(rows.map((row) => Number(row['id']))));
  const due = listDue(graph);
  const roots = due.filter((id) => left[0]?.has(id) !== true);
  const deleted = close(graph, roots);
  // Exactly what goes with the rows that went, and references to it are as their keys say.
  expect(after).toEqual(expectLeft(graph, before, deleted));
  const kept = listKept(graph);
  expect([...(deleted[0] ?? [])].filter((id) => kept.has(id))).toEqual([]);
  expectLedger(graph, deleted, run?.deleted ?? {});
  expectPreview(preview, run);
  const allowed = close(graph, listDeletable(graph));
  // With a bound it may depend on the order of rows which of them can go.
  const isSure = preview?.bounds.length === 0;
  for (const id of hasSureDefaults(graph) ? roots : []) expect(allowed[0]?.has(id)).toBe(true);
  const isWhole = due.every((id) => allowed[0]?.has(id) === deleted[0]?.has(id));
  if (isSure && !isWhole) {
    throw new Error(
      `more could go: ${JSON.stringify([...(allowed[0] ?? [])])} instead of ${JSON.stringify([...(deleted[0] ?? [])])}`,
    );
  }
  return isWhole && (run?.blocked ?? 0) === 0 ? 'deleted' : 'kept some';
}

/** Adds the holds. */
export async function holdRows(database: Database, policy: Policy, { tables }: Graph): Promise<void> {
  for (const [table, rows] of tables.entries()) {
    for (const row of rows.filter(({ isHeld }) => isHeld)) {
      const heldRow = { entity: `T${table}`, rows: { key: String(row.id) } };
      await addHold(database, policy, { ...heldRow, reason: 'a lawsuit', who: 'ann', until: null });
    }
  }
}

type Rows = readonly Record<string, number | null>[];

async function readAll(database: GraphDatabase, graph: Graph): Promise<Rows[]> {
  const tables: Rows[] = [];
  for (const table of graph.tables.keys()) {
    const columns = graph.edges.filter(({ child }) => child === table).flatMap(listColumns);
    tables.push(await database.rows(`select ${['id', ...columns].join(', ')} from t${table} order by id`));
  }
  return tables;
}

function expectLeft(
  { edges, tables }: Graph,
  before: readonly Rows[],
  deleted: readonly ReadonlySet<number>[],
): Rows[] {
  return before.map((rows, table) =>
    rows
      .filter(({ id }) => deleted[table]?.has(Number(id)) !== true)
      .map((row) => {
        const changed = { ...row };
        for (const edge of edges.filter(({ child }) => child === table)) {
          const ref = tables[table]?.find(({ id }) => id === row['id'])?.refs.get(edge.n) ?? null;
          if (ref === null || deleted[edge.parent]?.has(ref) !== true) continue;
          const value =
            edge.action === 'set null' ? null : edge.action === 'set default' ? DEFAULT_ID : Number.NaN;
          for (const column of listColumns(edge)) changed[column] = value;
        }
        return changed;
      }),
  );
}

function expectLedger(
  { tables }: Graph,
  deleted: readonly ReadonlySet<number>[],
  counted: Readonly<Record<string, number>>,
): void {
  const expected = Object.fromEntries(
    tables
      .map((_, table) => [`t${table}`, deleted[table]?.size ?? 0] as const)
      .filter(([, rows]) => rows > 0),
  );
  expect(Object.fromEntries(Object.entries(counted).filter(([, rows]) => rows > 0))).toEqual(expected);
}

type Previewed = Awaited<ReturnType<typeof previewPolicy>>['passes'][number];

function expectPreview(
  preview: Previewed | undefined,
  run: LedgerReport['passes'][number] | undefined,
): void {
  const bounds = preview?.bounds ?? [];
  if (isDeepStrictEqual(preview?.deleted, run?.deleted)) return;
  if (bounds.some(({ rows }) => rows === 'about')) return;
  const isBound = bounds.some(({ rows }) => rows === 'at most');
  const isWithin = Object.entries(run?.deleted ?? {}).every(
    ([table, rows]) => rows <= (preview?.deleted[table] ?? 0),
  );
  if (isBound && isWithin) return;
  throw new Error(
    `previewed ${JSON.stringify(preview?.deleted)}, bounds ${JSON.stringify(bounds)}; deleted ${JSON.stringify(run?.deleted)}, blocked ${run?.blocked}`,
  );
}

/** Whether no row goes that references fall back on. */
function hasSureDefaults(graph: Graph): boolean {
  const all = close(graph, listDue(graph));
  return graph.edges.every(
    ({ action, parent }) => action !== 'set default' || all[parent]?.has(DEFAULT_ID) !== true,
  );
}
