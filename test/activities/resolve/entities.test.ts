import { describe, expect, test } from '@jest/globals';
import { raw } from '@mikro-orm/core';

import { readEntities } from '../../../activities/dialect/postgresql/entities.ts';
import { readPolicyEntities } from '../../../activities/plan/resolve-policy.ts';
import type { Issue } from '../../../policy/issue.ts';
import { expiring, Item, makePolicy } from '../../support/items.ts';

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
