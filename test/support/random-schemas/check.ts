import { expect } from '@jest/globals';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { ValidationError } from '../../../policy/issue.ts';
import type { Policy } from '../../../policy/policy.ts';
import { createDatabase } from '../database.ts';
import type { TestDatabase } from '../database.ts';
import type { EngineOptions } from '../engine.ts';
import { runEngine } from '../engine.ts';
import { makeRandom } from '../random.ts';
import { runAsPreviewed } from '../truth.ts';
import { chance, choose } from './choose.ts';
import type { Random } from './choose.ts';
import type { Held } from './oracle.ts';
import { vacuum } from './oracle.ts';
import type { Step } from './policy.ts';
import { isRefused, makePolicy, makeSteps } from './policy.ts';
import { TYPES_SQL } from './shape.ts';
import type { World } from './world.ts';
import { makeWorld, toSql } from './world.ts';

/** A database with the types and a ledger, for one policy after the other. */
export async function makeRandomDatabase(server?: string): Promise<TestDatabase> {
  const database = await createDatabase('template0', server);
  await database.rows(TYPES_SQL);
  await database.rows(`alter database ${database.name} set search_path = public, ext`);
  const vacuumed = await openDatabase(database.url);
  await vacuumed.ledger.migrate();
  await vacuumed.close();
  return database;
}

const RESET =
  'drop table if exists heir, child, "Types".child, tag, parent; truncate vacuum.run, vacuum.hold cascade';

/** What became of a policy. */
export type Outcome = 'deleted' | 'refused';

/**
 * Makes tables, rows and a policy from a seed, runs the policy, and compares what is left with what the documentation says,
 * the preview with the run, and the ledger with the difference. `url` is that of the database, perhaps for another role.
 */
export async function checkRandomPolicy(
  database: TestDatabase,
  seed: number,
  url = database.url,
): Promise<Outcome> {
  const random = makeRandom(seed);
  const now = await database.value('select (1000 * extract(epoch from now()))::bigint');
  const world = makeWorld(random, now);
  const steps = makeSteps(random, world.shape);
  const policy = makePolicy(steps, world.shape);
  await database.rows(`${RESET}; ${toSql(world, random)}`);
  const held = await holdSome(database, policy, world, random);
  const before = countRows(world);
  const options: EngineOptions = {
    ...choose(random, [{}, { scan: 'by-location' }, { scan: 'by-age' }, { scan: 'by-parent-key' }] as const),
    ...choose(random, [{}, { size: 3 }, { size: 7 }]),
    ...(chance(random, 0.3) ? { lockFirst: true } : {}),
  };
  try {
    const deleted = await runUnlessRefused(narrow(url, world), policy, options);
    if (deleted === undefined) expectRefusable(steps, world);
    else {
      expect(isRefused(steps, world.shape)).toBe(false);
      vacuum(world, steps, held);
    }
    expect(await readLeft(database, world)).toEqual(listLeft(world));
    expect(sumTables(deleted ?? {})).toEqual(subtract(before, countRows(world)));
    return deleted === undefined ? 'refused' : 'deleted';
  } catch (error) {
    const story = JSON.stringify({ seed, shape: world.shape, steps, held, options });
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`the policy of TEST_SEED=${seed}: ${message}\n${story}`, { cause: error });
  }
}

/** The URL for the session of the program. */
function narrow(url: string, { shape }: World): string {
  return shape.odd === 'narrow path' ? `${url}?options=-csearch_path%3Dpublic` : url;
}

/** What a policy deleted; undefined if it was refused, by the preview and by the run. */
async function runUnlessRefused(
  url: string,
  policy: Policy,
  options: EngineOptions,
): Promise<Awaited<ReturnType<typeof runAsPreviewed>> | undefined> {
  try {
    return await runAsPreviewed(url, policy, options);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    await expect(runEngine(url, policy, options)).rejects.toThrow(ValidationError);
    return undefined;
  }
}

/** An ordinary policy is not refused. */
function expectRefusable(steps: readonly Step[], { shape }: World): void {
  const { odd, key, group, age } = shape;
  const uses = [key.parent, key.child, group.sql, age.sql].some((type) => type.includes('ext.'));
  const isRefusable = odd === 'narrow path' ? uses : isRefused(steps, shape);
  expect({ refused: isRefusable }).toEqual({ refused: true });
}

async function holdSome(
  database: TestDatabase,
  policy: Policy,
  { parents, children, shape }: World,
  random: Random,
): Promise<Held> {
  if (!chance(random, 0.3)) return { parents: [], children: [] };
  const hasEntity = !shape.hasHeirs || shape.odd === 'named heirs';
  const held = {
    parents: [choose(random, parents).id],
    children: hasEntity ? [choose(random, children).id] : [],
  };
  const vacuumed = await openDatabase(database.url);
  const rows = [
    ...held.parents.map((id) => ({ entity: 'Parent', id })),
    ...held.children.map((id) => ({ entity: 'Child', id })),
  ];
  for (const { entity, id } of rows) {
    const reason = 'audit';
    await addHold(vacuumed, policy, { entity, rows: { key: String(id) }, reason, who: 'test', until: null });
  }
  await vacuumed.close();
  return held;
}

type Left = Readonly<Record<'parents' | 'children' | 'orphaned' | 'heirs' | 'twins', readonly number[]>>;

async function readLeft({ rows }: TestDatabase, { shape }: World): Promise<Left> {
  const child = shape.odd === 'partitioned' ? 'child' : 'only child';
  const ids = async (sql: string): Promise<number[]> =>
    (await rows<{ id: number }>(`${sql} order by id`)).map(({ id }) => id);
  return {
    parents: await ids('select id from parent'),
    children: await ids(`select id from ${child}`),
    // Whose reference is null: set so by the database, or from the begin.
    orphaned: await ids(`select id from ${child} where ref is null`),
    heirs: shape.hasHeirs ? await ids('select id from heir') : [],
    twins: shape.hasTwin ? await ids('select id from "Types".child') : [],
  };
}

function listLeft({ parents, children, heirs, twins }: World): Left {
  return {
    parents: parents.map(({ id }) => id),
    children: children.map(({ id }) => id),
    orphaned: children.filter(({ ref }) => ref === null).map(({ id }) => id),
    heirs: heirs.map(({ id }) => id),
    twins: twins.map(({ id }) => id),
  };
}

type Counts = Readonly<Record<string, number>>;

function countRows({ parents, children, twins }: World): Counts {
  return { parent: parents.length, child: children.length, 'Types.child': twins.length };
}

function subtract(a: Counts, b: Counts): Counts {
  return Object.fromEntries(
    Object.entries(a).flatMap(([table, rows]) =>
      rows === b[table] ? [] : [[table, rows - (b[table] ?? 0)]],
    ),
  );
}

function sumTables(passes: Readonly<Record<string, Counts>>): Counts {
  const sums: Record<string, number> = {};
  for (const deleted of Object.values(passes)) {
    for (const [label, rows] of Object.entries(deleted)) {
      // Rows that a cascade deletes are counted by partition.
      const table = /^(?:Types\.)?child_\d$/.test(label) ? 'child' : label;
      if (rows > 0) sums[table] = (sums[table] ?? 0) + rows;
    }
  }
  return sums;
}
