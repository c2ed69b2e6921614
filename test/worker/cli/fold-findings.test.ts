import { expect, test } from '@jest/globals';

import type { Finding } from '../../../activities/inspect/finding.ts';
import { foldFindings } from '../../../worker/cli/fold-findings.ts';

const missingIndex = (table: string): Finding => ({
  about: `index on ${table}.at`,
  state: 'advice',
  what: `there is none; pass old-${table} reads the whole table instead of the old rows`,
  fix: `create index concurrently on "public"."${table}" ("at");`,
});
const keeps = (pass: string, key: string): Finding => ({
  about: `pass ${pass}`,
  state: 'advice',
  what: `it keeps rows as long as rows of ${pass}s that stay reference them, by foreign key ${key}`,
});
const count = (findings: readonly Finding[]): number[] =>
  foldFindings(findings).map(({ about }) => about.length);

test('four findings of one kind are one, and three stay three', () => {
  const four = ['a', 'b', 'c', 'd'].map(missingIndex);
  expect(count(four)).toEqual([4]);
  expect(foldFindings(four)[0]?.first).toBe(four[0]);
  expect(count(four.slice(1))).toEqual([1, 1, 1]);
});

test('findings of other kinds keep their places', () => {
  const ok: Finding = { about: 'ledger', state: 'ok', what: 'schema vacuum is current' };
  const indexes = ['a', 'b', 'c', 'd'].map(missingIndex);
  const blockers = ['a', 'b', 'c', 'd'].map((pass) => keeps(pass, `${pass}_fkey`));
  expect(count([indexes[0] ?? ok, ok, ...indexes.slice(1), ...blockers])).toEqual([4, 1, 4]);
});

test('what differs in more than names is not folded', () => {
  const [first, ...others] = ['a', 'b', 'c', 'd'].map(missingIndex);
  expect(first).toBeDefined();
  if (first === undefined) return;
  expect(count([{ ...first, state: 'problem' }, ...others])).toEqual([1, 1, 1, 1]);
  expect(count([{ ...first, what: 'index a_at is invalid' }, ...others])).toEqual([1, 1, 1, 1]);
  expect(count([{ ...first, fix: 'analyze "a";' }, ...others])).toEqual([1, 1, 1, 1]);
});
