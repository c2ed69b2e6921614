import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Stats } from '../../../activities/inspect/stats.ts';
import { cli } from '../../support/cli.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createHollow, inStatistics } from '../../support/reclaim/hollow.ts';

const CONFIG = ['--config', 'test/support/reclaim/vacuum.config.ts'];

describe('stats', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createHollow('every second', 3_000);
    await inStatistics(database, 'delete from item where id % 2 = 0', 'analyze item');
  });
  afterEach(async () => database.drop());

  const stats = async (...flags: string[]): ReturnType<typeof cli> =>
    cli(['stats', ...CONFIG, ...flags], { env: { TEST_DATABASE_URL: database.url, NO_COLOR: '1' } });
  const read = async (...flags: string[]): Promise<Stats> => {
    const { code, stdout, stderr } = await stats('--json', ...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Stats;
  };

  test('tells sizes, dead rows, bloat and how it was found, without Temporal and without a ledger', async () => {
    const found = await read();
    expect(found).toMatchObject({ policy: 'p', noExtension: false, vacuumBlockers: [], hidden: false });
    expect(found.tables).toMatchObject([
      {
        table: 'item',
        live: 1_500,
        dead: 1_500,
        toast: expect.any(Number),
        bloat: { by: 'estimate' },
        lastVacuum: null,
        lastAnalyze: expect.any(String),
      },
    ]);
    expect(await database.value(`select count(*) from pg_namespace where nspname = 'vacuum'`)).toBe(0);
    expect(found).not.toHaveProperty('ranges');
    expect(await read('--exact')).toMatchObject({
      noExtension: true,
      ranges: [{ table: 'item', passes: ['old'], rows: 1_500, oldest: expect.any(String) }],
    });
    expect((await stats('--exact')).stdout).toMatch(
      /table +rows +oldest \(UTC\) +newest \(UTC\) +passes\n *item +1,500 +\d{4}-\d\d-\d\d \d\d:\d\d .* 1\n/,
    );
    await database.rows('create extension pgstattuple');
    const exact = await read('--exact');
    expect(exact).toMatchObject({ noExtension: false, tables: [{ bloat: { by: 'pgstattuple_approx' } }] });
  });

  test('names what holds vacuum back and what to do about it; doctor has it as advice', async () => {
    const reader = await database.pool.connect();
    await reader.query('begin isolation level repeatable read; select 1');
    const { rows } = await reader.query<{ pid: number }>('select pg_backend_pid() as pid');
    const { code, stdout } = await stats();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\n *item +[\d.]+ MiB +[\d.]+ % +[\d.]+ KiB +[\d.]+ %.*\nheap bloat by estimate\n/,
    );
    expect(stdout).toMatch(/\n *item +1,500 +1,500 +never +\S+ ago/);
    expect(stdout).toMatch(/\n1 pass has no rows past their time: old\n/);
    expect(stdout).toContain(`transaction ${rows[0]?.pid} (idle in transaction`);
    expect(stdout).toContain(`select pg_terminate_backend(${rows[0]?.pid});`);
    const doctor = await cli(['doctor', ...CONFIG, '--json', '--address', '127.0.0.1:1'], {
      env: { TEST_DATABASE_URL: database.url },
    });
    await reader.query('rollback');
    reader.release();
    const findings = JSON.parse(doctor.stdout) as {
      about: string;
      state: string;
      what: string;
      fix: string;
    }[];
    const table = findings.find(({ about }) => about === 'table item');
    expect(table).toMatchObject({ state: 'advice', fix: 'vacuum (analyze) "item";' });
    expect(table?.what).toBe('1,500 dead rows, 100 % of the live ones; it was never vacuumed');
    expect(findings.find(({ about }) => about === 'vacuum')?.what).toMatch(
      /^transaction \d+ .* holds it back/,
    );
    await database.rows(table?.fix ?? '');
    expect((await read()).tables).toMatchObject([{ dead: 0, lastVacuum: expect.any(String) }]);
  });
});
