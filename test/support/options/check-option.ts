import { expect } from '@jest/globals';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { readStats } from '../../../activities/inspect/stats.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../either.ts';
import { runEngine } from '../engine.ts';
import type { Option } from './option.ts';

type Counts = Readonly<Record<string, number>>;
/** Null is not known. */
type Backlogs = Readonly<Record<'counted' | 'atOnce', Readonly<Record<string, number | null>>>>;

/**
 * Checks the five facts of an option: the preview is what the run deletes and what the database then lacks, the backlog has
 * these rows before and none after, explain gives the reason of rows on both sides, and doctor finds nothing else.
 */
export async function checkOption(
  world: EitherDatabase,
  option: Option,
  run = async (policy: Policy): Promise<LedgerReport> => runEngine(world.url, policy),
): Promise<void> {
  const policy = definePolicy({
    name: 'p',
    enabled: true,
    entities: option.entities,
    passes: [...option.passes],
    limits: { maxPercent: 100 },
  });
  const names = policy.passes.map(({ name }) => name);
  const waiting =
    option.waiting ??
    Object.fromEntries(names.map((name) => [name, Object.values(option.deleted[name] ?? {})[0] ?? 0]));
  const unknown = Object.fromEntries(names.map((name) => [name, null]));
  const expectBacklogs = (rows: Counts): Backlogs => ({
    counted: rows,
    atOnce: option.onlyCounted === true ? unknown : rows,
  });
  const tables = [...option.schema.matchAll(/create table (\w+) \(/g)].map(([, table = '']) => table);
  expect(Object.keys(option.left).toSorted()).toEqual(tables.toSorted());

  const database = await openDatabase(world.url);
  try {
    if (option.holds !== undefined) await database.ledger.migrate();
    for (const hold of option.holds ?? []) {
      await addHold(database, policy, { ...hold, reason: 'asked', who: 'me', until: null });
    }
    const before = await readIds(world, tables);
    const findings = await examineDatabase(database, policy);
    const told = await explain(database, policy, option);
    expect(await readBacklogs(database, policy)).toEqual(expectBacklogs(waiting));
    const { passes: previewed } = await previewPolicy(database, policy, names);
    const report = await run(policy);

    expect(byPass(previewed)).toEqual(option.deleted);
    expect(byPass(report.passes)).toEqual(option.deleted);
    const left = await readIds(world, tables);
    expect(left).toEqual(option.left);
    expect(subtract(before, left)).toEqual(addUp(Object.values(option.deleted)));
    const none = Object.fromEntries(names.map((name) => [name, 0]));
    expect(await readBacklogs(database, policy)).toEqual(expectBacklogs(none));

    expect(told).toEqual(option.explained);
    expect(new Set(told.map(([, , why]) => typeof why))).toEqual(new Set(['string', 'object']));
    const advice = findings
      .filter(({ state }) => state !== 'ok')
      .map(({ about, what }) => `${about}: ${what}`);
    expect(advice).toEqual((option.advice ?? []).map((what) => expect.stringMatching(what) as unknown));
  } finally {
    await database.close();
  }
}

async function explain(
  database: Database,
  policy: Policy,
  { explained }: Option,
): Promise<Option['explained']> {
  const told: Option['explained'][number][] = [];
  for (const [entity, key] of explained) {
    const { found, goesBy, passes } = await explainRow(database, policy, entity, String(key));
    const reasons = passes.flatMap((pass) => pass.reasons.map(({ why }) => why));
    told.push([entity, key, found ? (goesBy ?? reasons) : 'not found']);
  }
  return told;
}

/** The rows that wait for each pass: counted, and as estimates tell them at once, which are exact if the tables are small. */
async function readBacklogs(database: Database, policy: Policy): Promise<Backlogs> {
  const read = async (exact: boolean): Promise<Backlogs['counted']> => {
    const { backlog } = await readStats(database, policy, exact);
    return Object.fromEntries(backlog.map(({ pass, now }) => [pass, now?.rows ?? null]));
  };
  return { counted: await read(true), atOnce: await read(false) };
}

async function readIds(
  world: EitherDatabase,
  tables: readonly string[],
): Promise<Record<string, readonly number[]>> {
  const ids: Record<string, readonly number[]> = {};
  for (const table of tables) ids[table] = await world.ids(table);
  return ids;
}

function subtract(
  before: Record<string, readonly number[]>,
  after: Record<string, readonly number[]>,
): Counts {
  const gone = Object.keys(before).map(
    (table) => [table, (before[table]?.length ?? 0) - (after[table]?.length ?? 0)] as const,
  );
  return Object.fromEntries(gone.filter(([, rows]) => rows > 0));
}

function addUp(counts: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const [table, rows] of counts.flatMap((one) => Object.entries(one)))
    sum[table] = (sum[table] ?? 0) + rows;
  return sum;
}

function byPass(
  passes: readonly { readonly name: string; readonly deleted: Counts }[],
): Record<string, Counts> {
  return Object.fromEntries(passes.map(({ name, deleted }) => [name, deleted]));
}
