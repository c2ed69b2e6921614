import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { World } from '../support/docs/world.ts';
import { describeNeeding } from '../support/needing.ts';
import { temporalAddress } from '../support/temporal.ts';

interface Counted {
  readonly run: number;
  readonly status: string;
  readonly deleted: Record<string, number>;
  readonly reasons: readonly string[];
  readonly passes: readonly {
    readonly name: string;
    readonly rows: number;
    readonly deleted: Record<string, number>;
    readonly oldest: string | null;
    readonly newest: string | null;
    readonly sampled?: boolean;
  }[];
}

function spanOf(pass: Counted['passes'][number] | undefined): object {
  return { oldest: pass?.oldest, newest: pass?.newest };
}

const FAMILIES = ['own', 'competitor'];
const DAY = 24 * 3_600_000;

// In a project that has nothing but the packed package.
describeNeeding(['temporal'], 'the odds history', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.open('odds', temporalAddress());
  });
  afterEach(async () => world.close());

  async function json<T>(command: string): Promise<T> {
    const { code, output } = await world.type(`${command} > answer.json`);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    return JSON.parse(readFileSync(join(world.folder, 'answer.json'), 'utf8')) as T;
  }

  test('preview, run and history agree; both families are counted apart; what is young or named stays', async () => {
    const { database } = world;
    const before = await tables();
    const preview = await json<Counted>('temporal-vacuum preview odds --json');
    expect(await tables()).toEqual(before);
    const run = await json<Counted>('temporal-vacuum run odds --execute --temporal dev --json');
    expect(run.status).toBe('completed');
    const told = ({ passes }: Counted): object => passes.map(({ name, deleted }) => ({ name, deleted }));
    expect(told(run)).toEqual(told(preview));
    const after = await tables();
    for (const [table, rows] of Object.entries(before)) {
      expect({ table, rows: after[table] }).toEqual({ table, rows: rows - (run.deleted[table] ?? 0) });
    }
    for (const family of FAMILIES) {
      for (const [table, age, days] of [
        ['market_odds', 'at', 30],
        ['odds', 'at', 30],
        ['event', 'starts_at', 90],
      ] as const) {
        const [row] = await database.rows<{ old: number; left: number }>(
          `select count(*) filter (where ${age} < now() - interval '${days} days') as old, count(*) as left
           from ${family}_${table}`,
        );
        expect({ table, old: row?.old }).toEqual({ table, old: 0 });
        expect(row?.left).toBeGreaterThan(0);
      }
      const running = `select count(*) from ${family}_run where started_at < now() - interval '30 days' and state <> 'running'`;
      expect(await database.value(running)).toBe(0);
      const unused = `
        select count(*) from ${family}_tournament as t
        where seen_at < now() - interval '90 days'
          and not exists (select from ${family}_event as e where e.tournament_id = t.id)`;
      expect(await database.value(unused)).toBe(0);
      expect(run.deleted[`${family}_tournament`]).toBeGreaterThan(0);
      const passes = run.passes.filter(({ name }) => name.startsWith(`${family}-`));
      expect(passes.map(({ name }) => name.slice(family.length + 1))).toEqual([
        'market-odds',
        'odds',
        'runs',
        'events',
        'tournaments',
      ]);
      const others = passes
        .flatMap(({ deleted }) => Object.keys(deleted))
        .filter((name) => !name.startsWith(family));
      expect(others).toEqual([]);
      const odds = preview.passes.find(({ name }) => name === `${family}-odds`);
      expect(Date.parse(odds?.newest ?? '')).toBeLessThan(Date.now() - 30 * DAY);
      expect(Date.parse(odds?.oldest ?? '')).toBeGreaterThan(Date.now() - 181 * DAY);
    }

    const [last] = await json<Counted[]>('temporal-vacuum history --json');
    expect(last).toMatchObject({ run: run.run, status: 'completed', deleted: run.deleted });
    for (const { name, rows, oldest, newest, sampled } of last?.passes ?? []) {
      const previewed = preview.passes.find((pass) => pass.name === name);
      expect({ name, known: oldest !== null }).toEqual({ name, known: rows > 0 });
      const exact = sampled === true ? {} : { oldest, newest };
      expect(spanOf(previewed)).toMatchObject(exact);
      expect(Date.parse(oldest ?? '')).toBeGreaterThanOrEqual(Date.parse(previewed?.oldest ?? ''));
      expect(Date.parse(newest ?? '')).toBeLessThanOrEqual(Date.parse(previewed?.newest ?? ''));
    }
    const { output: listed } = await world.type(`temporal-vacuum history ${run.run}`);
    expect(listed).toMatch(/pass +oldest row +newest row +rows looked at/);
    const again = await json<Counted>('temporal-vacuum preview odds --json');
    expect(again.deleted).toEqual({});
    expect(await world.compile()).toEqual({ code: 0, output: '' });
  }, 120_000);

  test('a retention of less than a day in the environment is refused', async () => {
    const { code, output } = await world.type('ODDS_RETENTION_DAYS=0 temporal-vacuum preview odds');
    expect(code).not.toBe(0);
    expect(output).toContain('ODDS_RETENTION_DAYS is "0": use a number of days, at least 1');
  });

  async function tables(): Promise<Record<string, number>> {
    const names = FAMILIES.flatMap((family) =>
      ['tournament', 'event', 'run', 'snapshot', 'odds', 'market_odds'].map((table) => `${family}_${table}`),
    );
    const counts = await Promise.all(
      names.map(async (name) => [name, await world.database.value(`select count(*) from ${name}`)] as const),
    );
    return Object.fromEntries(counts);
  }
});
