import { expect } from '@jest/globals';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { ValidationError } from '../../../policy/issue.ts';
import { runEngine } from '../engine.ts';
import { choose } from '../random-schemas/choose.ts';
import { makeRandom } from '../random.ts';
import type { GraphDatabase, Outcome } from './check.ts';
import { holdRows, makePolicy, tellStory } from './check.ts';
import { listStatements } from './sql.ts';
import type { Trouble } from './trouble.ts';
import { makeTrouble, toTroubleSql } from './trouble.ts';
import type { Graph } from './world.ts';
import { makeGraph } from './world.ts';

/**
 * Makes a graph with triggers that write its tables, or whose schema changes during the run. What goes depends on the order
 * of the rows: it is checked that all that went was counted, belongs to a row that may go and is not held, and that nothing
 * is left that names it.
 */
export async function checkTroubledGraph(database: GraphDatabase, seed: number): Promise<Outcome> {
  const random = makeRandom(seed);
  const made = makeGraph(random, database.isSqlite);
  const graph: Graph = { ...made, triggers: made.triggers.map(() => 'none') };
  const trouble = makeTrouble(random, graph, database.isSqlite);
  const options = choose(random, [
    { size: 1 },
    { size: 1, lockFirst: true },
    { size: 2 },
    { size: 2, lockFirst: true },
  ]);
  await database.reset();
  const statements = listStatements(graph, database.isSqlite);
  for (const statement of [...statements, toTroubleSql(graph, trouble, database.isSqlite)])
    await database.execute(statement);
  const story = { trouble, options };
  return tellStory(seed, graph, story, async () => check(database, graph, trouble, options));
}

async function check(
  database: GraphDatabase,
  graph: Graph,
  trouble: Trouble,
  options: { readonly size: number },
): Promise<Outcome> {
  const policy = makePolicy(graph);
  const { change, writers } = trouble;
  const opened = await openDatabase(database.url);
  let preview;
  try {
    await holdRows(opened, policy, graph);
    preview = (await previewPolicy(opened, policy, ['old'])).passes[0];
  } catch (error) {
    if (error instanceof ValidationError) return 'refused';
    throw error;
  } finally {
    await opened.close();
  }
  let batches = 0;
  const end = await runEngine(database.url, policy, {
    ...options,
    afterBatch: async () => {
      batches += 1;
      if (batches === change?.afterBatch) await database.execute(change.sql);
    },
  }).catch((error: unknown) => error);
  const ended = end instanceof Error ? end : undefined;
  // Nothing but a change ends the pass, and the message says so.
  if (ended !== undefined && (change === null || !ended.message.startsWith('the schema changed')))
    throw ended;
  const gone = await readGone(database, graph);
  const ledger = await readLedger(database, graph);
  const counted = listCounted(graph);
  for (const table of counted)
    expect({ table, rows: ledger[table] }).toEqual({ table, rows: gone[table]?.length ?? 0 });
  expectAllowed(graph, trouble, gone);
  if (database.isSqlite) await expectHeldThere(database, graph);
  await expectWhole(database);
  if (change?.sql.includes('inherits') === true && batches >= change.afterBatch) {
    expect(
      await database.rows('select heirs.rows - (select count(*)::int from heir) as lost from heirs'),
    ).toEqual([{ lost: 0 }]);
  }
  if (ended === undefined && change === null && preview !== undefined) {
    const differs = graph.tables.some(
      (_, table) => (preview.deleted[`t${table}`] ?? 0) !== (ledger[table] ?? 0),
    );
    if (differs && preview.bounds.length === 0)
      throw new Error(
        `previewed ${JSON.stringify(preview.deleted)} without bounds; deleted ${JSON.stringify(ledger)}`,
      );
  }
  return ended === undefined && writers.length === 0 ? 'deleted' : 'kept some';
}

/** The ids of rows that are deleted, by the number of their table. */
async function readGone(database: GraphDatabase, { tables }: Graph): Promise<number[][]> {
  const rows = await database.rows('select tab, id from gone order by tab, id');
  return tables.map((_, table) =>
    rows.filter(({ tab }) => Number(tab) === table).map(({ id }) => Number(id)),
  );
}

async function readLedger(database: GraphDatabase, { tables }: Graph): Promise<number[]> {
  const name = database.isSqlite ? 'vacuum_batch' : 'vacuum.batch';
  const run = database.isSqlite ? 'vacuum_run' : 'vacuum.run';
  const value = (table: number): string =>
    database.isSqlite ? `deleted ->> '$.t${table}'` : `(deleted ->> 't${table}')::int`;
  const sums = tables.map((_, table) => `coalesce(sum(${value(table)}), 0) as c${table}`);
  const [row] = await database.rows(
    `select ${sums.join(', ')} from ${name} where run_id = (select max(id) from ${run})`,
  );
  return tables.map((_, table) => row?.[`c${table}`] ?? 0);
}

/** The tables that the pass reaches, by their numbers. */
function listCounted({ edges, hasSoftChild, tables }: Graph): Set<number> {
  const counted = new Set([0, ...(hasSoftChild && tables.length > 1 ? [1] : [])]);
  for (const table of counted) {
    for (const { parent, child, action } of edges)
      if (parent === table && action === 'cascade') counted.add(child);
  }
  return counted;
}

/** Only what belongs to an old row of the first table went, or what a trigger deletes with it, and nothing that is held. */
function expectAllowed(graph: Graph, trouble: Trouble, gone: readonly (readonly number[])[]): void {
  const { edges, tables, hasSoftChild } = graph;
  const { change } = trouble;
  const writers = [...trouble.writers, ...(change?.writer === undefined ? [] : [change.writer])];
  const allowed = tables.map(
    (rows, table) => new Set(table === 0 ? rows.filter(({ isOld }) => isOld).map(({ id }) => id) : []),
  );
  for (let grows = true; grows;) {
    const before = allowed.reduce((sum, { size }) => sum + size, 0);
    for (const [table, rows] of tables.entries()) {
      for (const row of rows) {
        for (const { n, child, parent, action } of edges) {
          const ref = row.refs.get(n) ?? null;
          if (child === table && action === 'cascade' && ref !== null && allowed[parent]?.has(ref) === true)
            allowed[table]?.add(row.id);
        }
        if (hasSoftChild && table === 1 && row.owner !== null && allowed[0]?.has(row.owner) === true)
          allowed[table]?.add(row.id);
        for (const { on, into, does } of writers)
          if (on === table && allowed[table]?.has(row.id) === true) {
            if (does === 'delete') allowed[into]?.add(row.code);
            for (const { id, code } of tables[into] ?? [])
              if (does === 'replace' && code === row.code) allowed[into]?.add(id);
          }
      }
    }
    grows = allowed.reduce((sum, { size }) => sum + size, 0) > before;
  }
  for (const [table, ids] of gone.entries()) {
    const known = ids.filter((id) => id < 1000);
    expect({ table, wrong: known.filter((id) => allowed[table]?.has(id) !== true) }).toEqual({
      table,
      wrong: [],
    });
    const held = tables[table]?.filter(({ isHeld }) => isHeld).map(({ id }) => id) ?? [];
    expect({ table, held: held.filter((id) => known.includes(id)) }).toEqual({ table, held: [] });
  }
}

/** Each row that is held is there: one that is replaced by another fires no trigger. */
async function expectHeldThere(database: GraphDatabase, { tables }: Graph): Promise<void> {
  for (const [table, rows] of tables.entries()) {
    const [found] = await database.rows(`select count(*) as n from sqlite_schema where name = 't${table}'`);
    const left = await database.rows(`select id from ${found?.['n'] === 1 ? `t${table}` : 't9'}`);
    const held = rows.filter(({ isHeld }) => isHeld).map(({ id }) => id);
    const lost = held.filter((id) => left.every((row) => row['id'] !== id));
    expect({ table, lost }).toEqual({ table, lost: [] });
  }
}

/** No row names what is not there, whatever the columns are called by now. Keys are not about the rows of heirs. */
async function expectWhole(database: GraphDatabase): Promise<void> {
  if (database.isSqlite) {
    expect(await database.rows('pragma foreign_key_check')).toEqual([]);
    return;
  }
  const keys = (await database.rows(`
    select format(
      'select %L as name, count(*)::int as rows from only %s as c where %s and not exists (select from only %s as p where %s)',
      k.conname, k.conrelid::regclass,
      (select string_agg(format('c.%I is not null', a.attname), ' and ')
        from unnest(k.conkey) as n join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = n),
      k.confrelid::regclass,
      (select string_agg(format('c.%I = p.%I', a.attname, b.attname), ' and ')
        from unnest(k.conkey, k.confkey) as n(child, parent)
        join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = n.child
        join pg_attribute as b on b.attrelid = k.confrelid and b.attnum = n.parent)) as text
    from pg_constraint as k where k.contype = 'f' and k.connamespace = 'public'::regnamespace`)) as unknown as {
    text: string;
  }[];
  for (const { text } of keys) {
    const [left] = await database.rows(text);
    expect(left).toMatchObject({ rows: 0 });
  }
}
