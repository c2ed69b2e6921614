import { describe, expect, test } from '@jest/globals';

import type { Finding } from '../../../activities/inspect/finding.ts';
import { countFindings, formatFindings, sortFindings } from '../../../worker/cli/format-findings.ts';

const TABLES = ['log_1', 'log_2', 'log_30', 'logs'];
const measure = (table: string, dead: number): Finding => ({
  about: `table ${table}`,
  state: 'advice',
  what: `${dead} dead rows, 60 % of the live ones; it was never vacuumed`,
  fix: `vacuum (analyze) "public"."${table}";`,
});
const miss = (table: string): Finding => ({
  about: `index on ${table}.at`,
  state: 'advice',
  what: `there is none; pass old-${table} reads the whole table`,
  fix: `create index concurrently on "public"."${table}" ("at");`,
});

describe('findings of the doctor', () => {
  test('that measured different numbers stay, so that each number is shown', () => {
    const findings = TABLES.map((table, n) => measure(table, [5, 900, 7_000, 80_000][n] ?? 0));
    const lines = formatFindings(findings, false);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toBe(
      'advice  table log_2: 900 dead rows, 60 % of the live ones; it was never vacuumed\n    vacuum (analyze) "public"."log_2";',
    );
  });

  test('that differ in names only are one, also if names have digits', () => {
    expect(formatFindings(TABLES.map(miss), false)).toEqual([
      `advice  4 alike: index on log_1.at, index on log_2.at, index on log_30.at and 1 more; --details lists them
    The first: there is none; pass old-log_1 reads the whole table
    create index concurrently on "public"."log_1" ("at");`,
    ]);
    expect(
      formatFindings(
        TABLES.map((table) => measure(table, 900)),
        false,
      ),
    ).toHaveLength(1);
  });

  test('are all shown on request, and three always', () => {
    expect(formatFindings(TABLES.map(miss), true)).toHaveLength(4);
    expect(formatFindings(TABLES.slice(1).map(miss), false)).toHaveLength(3);
  });

  test('are counted first, and what to do something about comes before what is well', () => {
    const well: Finding = { about: 'ledger', state: 'ok', what: 'schema vacuum is current' };
    const bad: Finding = { about: 'worker', state: 'problem', what: 'none polls task queue vacuum' };
    const findings = [well, miss('logs'), bad, well, bad];
    expect(countFindings(findings)).toBe('2 problems, 1 finding with advice, 2 ok');
    expect(countFindings([well])).toBe('no problem, 0 findings with advice, 1 ok');
    expect(sortFindings(findings)).toEqual([bad, bad, miss('logs'), well, well]);
  });
});
