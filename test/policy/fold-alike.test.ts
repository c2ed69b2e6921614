import { describe, expect, test } from '@jest/globals';

import { foldAlike, listNames } from '../../policy/fold-alike.ts';
import type { Issue } from '../../policy/issue.ts';
import { ValidationError } from '../../policy/issue.ts';

const LETTERS = ['a', 'b', 'c', 'd'];
const missingIndex = (table: string): string =>
  `index on ${table}.at: there is none; pass old-${table} reads the whole table\ncreate index concurrently on "public"."${table}" ("at");`;
const keeps = (pass: string): string =>
  `pass ${pass}: it keeps rows as long as rows of ${pass}s that stay reference them, by foreign key ${pass}_fkey`;
const count = (sentences: readonly string[]): number[] =>
  foldAlike(sentences, (sentence) => sentence, 3).map(({ others }) => 1 + others.length);

describe('sentences that are alike but for names', () => {
  test('are one if they are more than three, and three stay three', () => {
    const four = LETTERS.map(missingIndex);
    expect(count(four)).toEqual([4]);
    expect(foldAlike(four, (sentence) => sentence, 3)[0]?.first).toBe(four[0]);
    expect(count(four.slice(1))).toEqual([1, 1, 1]);
  });

  test('are counted if they are the same', () => {
    expect(count(['no index', 'no index', 'no index', 'no index'])).toEqual([4]);
  });

  test('leave the others at their places', () => {
    const [first = '', ...others] = LETTERS.map(missingIndex);
    expect(count([first, 'ledger: schema vacuum is current', ...others, ...LETTERS.map(keeps)])).toEqual([
      4, 1, 4,
    ]);
  });

  test('are not folded with one that says something else', () => {
    const others = LETTERS.slice(1).map(missingIndex);
    for (const other of ['index a_at is invalid', missingIndex('a').replace('create', 'reindex')])
      expect(count([other, ...others])).toEqual([1, 1, 1, 1]);
  });
});

describe('sentences that are not alike', () => {
  const apart = (toSentence: (letter: string, n: number) => string): void =>
    expect(count(LETTERS.map(toSentence))).toEqual([1, 1, 1, 1]);

  test('have different counts, also in parentheses: none may be hidden', () => {
    apart((letter, n) => `${10 ** n} rows of pass ${letter} are kept by a hold`);
    apart((letter, n) => `pass ${letter} left rows behind (${n} of them)`);
  });

  test('have apostrophes, which are no quotes', () => {
    apart((_, n) => `the policy's ${['worker', 'queue', 'table', 'file'][n]} is not the run's`);
  });

  test('are alike by names in quotes and in parentheses', () => {
    expect(count(LETTERS.map((letter) => `'${letter}' is no setting (of preset ${letter}1)`))).toEqual([4]);
  });
});

describe('the message of a ValidationError', () => {
  const issues = (length: number): Issue[] =>
    Array.from({ length }, (_, n) => ({
      at: `pass "old-${n}"`,
      what: `entity Table${n} has no table in this database`,
      fix: 'Check that this is the right database',
      here: `table secret_${n} is missing`,
    }));

  test('lists ten mistakes of one kind one by one', () => {
    expect(new ValidationError('policy "all"', issues(10)).message.split('\n')).toHaveLength(11);
  });

  test('folds more of them, with the count and the names of the first, and has all elsewhere', () => {
    const other = { at: 'limits', what: 'maxRows is -1', fix: 'Write a number of rows' };
    const error = new ValidationError('policy "all"', [...issues(11), other]);
    expect(error.message).toBe(
      [
        'policy "all" cannot be used, nothing was deleted; 12 mistakes:',
        '  - pass "old-0": entity Table0 has no table in this database (table secret_0 is missing). Check that this is the right database.',
        '    and 10 like it: pass "old-1", pass "old-2", pass "old-3" and 7 more; doctor --details lists them',
        '  - limits: maxRows is -1. Write a number of rows.',
      ].join('\n'),
    );
    expect(error.wireMessage).toContain('and 10 like it');
    expect(error.wireMessage).not.toContain('secret');
    expect(error.wholeMessage.split('\n')).toHaveLength(13);
    expect(error.issues).toHaveLength(12);
  });
});

test('names are listed up to three', () => {
  expect(listNames(['a', 'b', 'c'])).toBe('a, b, c');
  expect(listNames(LETTERS)).toBe('a, b, c and 1 more');
});
