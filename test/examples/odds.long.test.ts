import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { RunReport } from '../../activities/contract.ts';
import { compilePages } from '../support/docs/compile.ts';
import { World } from '../support/docs/world.ts';
import { describeNeeding } from '../support/needing.ts';
import { temporalAddress, TemporalSession } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

interface Counted {
  readonly run: number;
  readonly status: string;
  readonly startedAt: string;
  readonly rows: number;
  readonly deleted: Record<string, number>;
  readonly reasons: readonly string[];
  readonly passes: readonly {
    readonly name: string;
    readonly rows: number;
    readonly deleted: Record<string, number>;
    /** Of a preview. */
    readonly oldest?: string | null;
    readonly newest?: string | null;
    /** Of a run. */
    readonly horizon?: string | null;
  }[];
}

const FAMILIES = ['own', 'competitor'];
const PASSES = ['market-odds', 'odds', 'runs', 'events', 'tournaments'];
const DAY = 24 * 3_600_000;

/**
 * The rows of each table that are to be left, as one would ask the copies that were made before. `odds` and `matches`
 * stand for the horizons, `copy.` for a table of the family.
 */
const KEPT = {
  market_odds: `
    select m.id from copy.market_odds as m join copy.event as e on e.id = m.event_id
    where m.at >= odds and e.starts_at >= matches`,
  odds: `
    select o.id
    from copy.odds as o
    join copy.snapshot as s on s.id = o.snapshot_id
    join copy.run as r on r.id = s.run_id
    join copy.event as e on e.id = s.event_id
    where o.at >= odds and e.starts_at >= matches and (r.started_at >= odds or r.state = 'running')`,
  snapshot: `
    select s.id
    from copy.snapshot as s
    join copy.run as r on r.id = s.run_id
    join copy.event as e on e.id = s.event_id
    where e.starts_at >= matches and (r.started_at >= odds or r.state = 'running')`,
  run: `select id from copy.run where started_at >= odds or state = 'running'`,
  event: `select id from copy.event where starts_at >= matches`,
  tournament: `
    select id from copy.tournament where seen_at >= matches
    union
    select tournament_id from copy.event where starts_at >= matches`,
} as const;
const TABLES = Object.keys(KEPT) as (keyof typeof KEPT)[];

// In a project that has nothing but the packed package.
describeNeeding(['temporal'], 'the odds history', () => {
  const session = new TemporalSession();
  let world: World;

  beforeEach(async () => {
    world = await World.open('odds', temporalAddress());
  });
  afterEach(async () => world.close());
  afterAll(async () => session.close());

  async function json<T>(command: string): Promise<T> {
    const { code, output } = await world.type(`${command} > answer.json`);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    return JSON.parse(readFileSync(join(world.folder, 'answer.json'), 'utf8')) as T;
  }
  const told = ({ passes }: Counted): object => passes.map(({ name, deleted }) => ({ name, deleted }));

  test('is killed and resumed: history is what was previewed; both families are counted apart', async () => {
    const { database } = world;
    expect(await world.type('temporal-vacuum ledger migrate')).toMatchObject({ code: 0 });
    const before = await copyTables();
    const preview = await json<Counted>('temporal-vacuum preview odds --json');
    expect(await tables()).toEqual(before);

    const taskQueue = session.queue();
    const victim = await world.start(`temporal-vacuum worker --task-queue ${taskQueue}`);
    const holder = await database.pool.connect();
    // Events of competitors can be read, as for the plan, and not deleted.
    await holder.query('begin; lock table competitor_event in share mode');
    const run = await session.start(taskQueue, undefined, `odds-${randomUUID()}`);
    await waitFor('what comes before to go, and the pass over events of competitors to wait', async () =>
      database.value(
        `select (select sum(rows) from vacuum.batch) > 0 and exists (
           select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`,
      ),
    );
    const ended = once(victim, 'exit');
    process.kill(-(victim.pid ?? 0), 'SIGKILL');
    await ended;
    const held = await tables();
    expect(held['own_event']).toBe((before['own_event'] ?? 0) - (preview.deleted['own_event'] ?? 0));
    expect(held['competitor_event']).toBe(before['competitor_event']);
    await holder.query('rollback');
    holder.release();
    await world.start(`temporal-vacuum worker --task-queue ${taskQueue}`);
    const result = (await run.result()) as RunReport;

    const [last] = (await json<Counted[]>('temporal-vacuum history --json')) as [Counted];
    expect(last).toMatchObject({ run: result.run, status: 'completed', reasons: [], rows: preview.rows });
    expect(last.deleted).toEqual(preview.deleted);
    expect(told(last)).toEqual(told(preview));
    expect(result.rows).toBe(last.rows);
    await expectKept(last, { odds: 30, matches: 90 });
    const after = await tables();
    for (const [table, rows] of Object.entries(before)) {
      expect({ table, rows: after[table] }).toEqual({ table, rows: rows - (last.deleted[table] ?? 0) });
      expect(last.deleted[table]).toBeGreaterThan(0);
    }
    for (const family of FAMILIES) {
      const passes = last.passes.filter(({ name }) => name.startsWith(`${family}-`));
      expect(passes.map(({ name }) => name)).toEqual(PASSES.map((pass) => `${family}-${pass}`));
      const named = new Set(passes.flatMap(({ deleted }) => Object.keys(deleted)));
      expect([...named].toSorted()).toEqual(TABLES.map((table) => `${family}_${table}`).toSorted());
      const odds = preview.passes.find(({ name }) => name === `${family}-odds`);
      expect(Date.parse(odds?.newest ?? '')).toBeLessThan(Date.now() - 30 * DAY);
      expect(Date.parse(odds?.oldest ?? '')).toBeGreaterThan(Date.now() - 181 * DAY);
    }
    for (const { name, rows, horizon } of last.passes) {
      const previewed = preview.passes.find((pass) => pass.name === name);
      expect({ name, known: previewed?.newest !== null }).toEqual({ name, known: rows > 0 });
      expect(Date.parse(previewed?.newest ?? '')).toBeLessThan(Date.parse(horizon ?? ''));
      expect(Date.parse(horizon ?? '')).toBeLessThan(Date.parse(last.startedAt));
    }
    const { output: listed } = await world.type(`temporal-vacuum history ${result.run} --details`);
    expect(listed).toMatch(/pass +rows older than/);
    const again = await json<Counted>('temporal-vacuum preview odds --json');
    expect(again.deleted).toEqual({});
    await compilePages([world.folder]);
  });

  test.each([
    { odds: 10, matches: 60 },
    // What a match takes along when it goes before its odds would.
    { odds: 60, matches: 10 },
  ])('keeps odds $odds days and matches $matches days', async ({ odds, matches }) => {
    await insertAtBoundaries(odds, matches);
    const before = await copyTables();
    await world.type(`export ODDS_RETENTION_DAYS=${odds} MATCH_RETENTION_DAYS=${matches}`);
    const preview = await json<Counted>('temporal-vacuum preview odds --json');
    const run = await json<Counted>('temporal-vacuum run odds --execute --temporal dev --json');
    expect(run.status).toBe('completed');
    expect(told(run)).toEqual(told(preview));
    await expectKept(run, { odds, matches });
    const after = await tables();
    const gone = Object.entries(before).map(([table, rows]) => [table, rows - (after[table] ?? 0)]);
    expect(run.deleted).toEqual(Object.fromEntries(gone));
  });

  test('a retention of less than a day in the environment is refused', async () => {
    const { code, output } = await world.type('ODDS_RETENTION_DAYS=0 temporal-vacuum preview odds');
    expect(code).not.toBe(0);
    expect(output).toContain('ODDS_RETENTION_DAYS is "0": use a number of days, at least 1');
  });

  async function tables(): Promise<Record<string, number>> {
    const names = FAMILIES.flatMap((family) => TABLES.map((table) => `${family}_${table}`));
    const counts = await Promise.all(
      names.map(async (name) => [name, await world.database.value(`select count(*) from ${name}`)] as const),
    );
    return Object.fromEntries(counts);
  }

  /** Copies every table into schema `copy`, and returns how many rows it has. */
  async function copyTables(): Promise<Record<string, number>> {
    const before = await tables();
    const copies = Object.keys(before).map((name) => `create table copy.${name} as table ${name};`);
    await world.database.rows(`create schema copy; ${copies.join('\n')}`);
    return before;
  }

  /** For both families what is a second too old and what has ten minutes left, of each kind. */
  async function insertAtBoundaries(odds: number, matches: number): Promise<void> {
    const inserts = FAMILIES.flatMap((family) =>
      [`interval '-1 second'`, `interval '10 minutes'`].map(
        (by) => `
          with young as (select max(id) as id from ${family}_event),
          run as (
            insert into ${family}_run (started_at, state)
            select ${ago(odds)} + ${by}, state from unnest(array['completed', 'running']) as state
            returning id
          ),
          event as (
            insert into ${family}_event (tournament_id, name, starts_at)
            select max(id), 'boundary', ${ago(matches)} + ${by} from ${family}_tournament
            returning id
          ),
          snapshot as (
            insert into ${family}_snapshot (run_id, event_id, taken_at)
            select run.id, named.id, now()
            from run cross join (table young union all table event) as named
            returning id
          ),
          market as (
            insert into ${family}_market_odds (event_id, market, price, at)
            select id, 'boundary', 2, ${ago(odds)} + ${by} from (table young union all table event) as named
          ),
          tournament as (
            insert into ${family}_tournament (name, seen_at) values ('boundary', ${ago(matches)} + ${by})
          )
          insert into ${family}_odds (snapshot_id, outcome, price, at)
          select snapshot.id, 'home', 2, at
          from snapshot
          cross join unnest(array[${ago(odds)} + ${by}, now()]) as at;`,
      ),
    );
    await world.database.rows(inserts.join('\n'));
  }

  /** What is left of every table is what plain SQL finds in the copies, row for row. */
  async function expectKept(run: Counted, days: { odds: number; matches: number }): Promise<void> {
    for (const family of FAMILIES) {
      for (const table of TABLES) {
        const horizon = (of: 'odds' | 'matches'): string => ago(days[of], `timestamptz '${run.startedAt}'`);
        const kept = KEPT[table]
          .replaceAll(/(?<=>= )(odds|matches)/g, (of) => horizon(of as 'odds' | 'matches'))
          .replaceAll('copy.', `copy.${family}_`);
        const expected = await ids(kept);
        expect({ family, table, ids: await ids(`select id from ${family}_${table}`) }).toEqual({
          family,
          table,
          ids: expected,
        });
        expect(expected.length).toBeGreaterThan(0);
      }
    }
  }

  async function ids(sql: string): Promise<number[]> {
    const rows = await world.database.rows<{ id: number }>(`select id from (${sql}) as kept order by id`);
    return rows.map(({ id }) => id);
  }
});

/** An instant so many days, of 24 hours each, before another. */
function ago(days: number, before = 'now()'): string {
  return `${before} - make_interval(hours => ${days * 24})`;
}
