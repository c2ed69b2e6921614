import { describe, expect, test } from '@jest/globals';
import { raw } from '@mikro-orm/core';

import { readEntities } from '../../../activities/dialect/postgresql/entities.ts';
import { readPolicyEntities } from '../../../activities/plan/resolve-policy.ts';
import type { Issue } from '../../../policy/issue.ts';
import type { AnyEntity } from '../../../policy/pass-options.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { expiring, Item, makePolicy } from '../../support/items.ts';
import { Line, Order, Part } from '../../support/options/orders.ts';

describe('a filter', () => {
  const entities = readPolicyEntities({ readEntities }, makePolicy(expiring()));
  const listIssues = (where: object): string => {
    const mistakes: Issue[] = [];
    entities.predicate(Item, where, 'pass "old"', 'where', mistakes);
    return mistakes.map(({ what, here }) => `${what} ${here ?? ''}`).join();
  };

  test.each<[object, string]>([
    [{ owner: { kind: {} } }, 'owner.kind is empty'],
    [{ owner: {} }, 'owner is empty'],
    [{ state: 'done', ownerId: {} }, 'ownerId is empty'],
    [{ state: 'done', $and: [] }, '$and is empty'],
    [{ state: 'done', $or: [{}] }, '$or.0 is empty'],
    [{ state: 'done', $not: {} }, '$not is empty'],
    [{ owner: { kind: undefined } }, 'owner.kind is undefined'],
  ])('of which MikroORM would drop a part is refused: %j', (where, said) => {
    expect(listIssues(where)).toContain(said);
  });

  test.each([
    ['at < current_timestamp', true],
    ['at < LOCALTIMESTAMP', true],
    [`at < 'now'`, true],
    ['at < now()', true],
    ['state in (?, ?)', false],
    [`state = 'nowhere'`, false],
  ])('that may have another result later is looked at anew: %s', (text, selects) => {
    const values = text.includes('?') ? ['a', 'b'] : [];
    const where = { [raw(text, values)]: [] };
    expect(entities.predicate(Item, where, 'pass "old"', 'where', []).selects).toBe(selects);
  });

  test('in raw SQL beside one over relations is refused: a name may be of another table', () => {
    const where = { [raw('state')]: 'done', owner: { kind: 'vip' } };
    expect(listIssues(where)).toContain('raw SQL beside a filter over relations');
  });

  test.each<object>([
    { owner: { kind: 'vip' } },
    { ownerId: { $in: [] } },
    { owner: null },
    { $or: [{ owner: { kind: 'vip' } }, { state: 'done' }] },
    { [raw('state')]: 'done' },
  ])('that says something is taken: %j', (where) => {
    expect(listIssues(where)).toBe('');
  });
});

describe('a filter over a relation of which MikroORM compares another column', () => {
  const entities = readPolicyEntities(
    { readEntities },
    definePolicy({ name: 'p', entities: [Order, Line, Part], passes: [] }),
  );
  const read = (entity: AnyEntity, where: object): string => {
    const mistakes: Issue[] = [];
    const { text } = entities.predicate(entity, where, 'pass "old"', 'where', mistakes);
    return mistakes.map(({ what, fix }) => `${what}. ${fix}`).join() || text;
  };

  test.each<[AnyEntity, object, string]>([
    [Line, { order: { id: 1 } }, 'order names rows by code'],
    [Line, { order: { id: { $in: [1, 2] } } }, 'order names rows by code'],
    [Line, { $or: [{ id: 5 }, { order: { $and: [{ id: 1 }] } }] }, 'order names rows by code'],
    [Part, { line: { order: { id: 1 } } }, 'line.order names rows by code'],
    [Line, { order: { $not: { id: 1 } } }, 'order names rows by code'],
    [Part, { line: { $not: { id: 1 } } }, '{ $not: { line: { id: ... } } }'],
    [Part, { line: { $or: [{ $not: { id: 1 } }, { at: null }] } }, '{ $not: { line: { id: ... } } }'],
    [Order, { lines: { $some: { $not: { id: 1 } } } }, '{ $not: { lines: { id: ... } } }'],
  ])('is refused, with what to write: %# %j', (entity, where, said) => {
    expect(read(entity, where)).toContain('its where would match other rows than it says');
    expect(read(entity, where)).toContain(said);
  });

  test.each<[AnyEntity, object, RegExp]>([
    [Line, { order: 2 }, /^"t"\."order_code" = \?$/],
    [Line, { order: { code: 2 } }, /"t"\."order_code" = "o1"\."code" where "o1"\."code" = \?/],
    [Part, { line: { id: 1 } }, /^"t"\."line_id" = \?$/],
    [Part, { $not: { line: { id: 1 } } }, /^not \("t"\."line_id" = \?\)$/],
    [Part, { line: { $not: { order: 2 } } }, /not \("l1"\."order_code" = \?\)/],
    [Order, { lines: { $some: { id: 1 } } }, /"l1"\."id" = \?/],
  ])('is taken if it compares what it says: %# %j', (entity, where, text) => {
    expect(read(entity, where)).toMatch(text);
  });
});
