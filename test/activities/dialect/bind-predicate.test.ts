import { describe, expect, test } from '@jest/globals';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';

import { bindPredicate } from '../../../activities/dialect/bind-predicate.ts';
import type { Predicate } from '../../../activities/stored/columns.ts';

const db = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (of) => new PostgresIntrospector(of),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

function compile(predicate: Pick<Predicate, 'text' | 'values'>): {
  sql: string;
  parameters: readonly unknown[];
} {
  const { sql, parameters } = bindPredicate(predicate).compile(db);
  return { sql, parameters };
}

describe('a stored condition', () => {
  test('binds its values and writes none into the text', () => {
    expect(
      compile({ text: '"t"."a" in (?, ?) and "t"."b" = ?', values: ["x'; drop table y", 2, null] }),
    ).toEqual({
      sql: '("t"."a" in ($1, $2) and "t"."b" = $3)',
      parameters: ["x'; drop table y", 2, null],
    });
  });

  test('leaves question marks in quotes alone, unescapes operators, quotes identifiers', () => {
    expect(compile({ text: `"t"."a?" \\? 'it''s?' and ?? = ?`, values: ['we"ird', 1] })).toEqual({
      sql: `("t"."a?" ? 'it''s?' and "we""ird" = $1)`,
      parameters: [1],
    });
  });

  test('leaves question marks in backticks alone, as SQLite quotes names too', () => {
    expect(compile({ text: '`t`.`a?` = ?', values: [1] })).toEqual({
      sql: '(`t`.`a?` = $1)',
      parameters: [1],
    });
  });

  test.each([
    ['too few values', { text: 'a = ? and b = ?', values: [1] }],
    ['too many values', { text: 'a = ?', values: [1, 2] }],
  ])('with %s is refused rather than shifted', (_, predicate) => {
    expect(() => compile(predicate)).toThrow('a condition has more');
  });
});
