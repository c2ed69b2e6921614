import { describe, expect, test } from '@jest/globals';

import { checkPolicy } from '../../policy/check.ts';
import { deleteUnreferenced } from '../../policy/delete-unreferenced.ts';
import { definePolicy } from '../../policy/policy.ts';
import { reportRows } from '../../policy/report-rows.ts';
import { lostNotes, Note, oldThings, Part, Thing } from '../support/guarded.ts';

const PASSES = {
  expireRows: (where: object) => oldThings(where),
  deleteOrphans: (where: object) => lostNotes(where),
  deleteUnreferenced: (where: object) =>
    deleteUnreferenced<any>({ name: 'lone', entity: Thing, age: 'at', ...where }),
  reportRows: (where: object) =>
    reportRows<any>({ name: 'stuck', entity: Thing, age: 'at', olderThan: '1 day', ...where }),
};

describe.each(Object.entries(PASSES))('the filter of %s', (_, pass) => {
  const listIssuesWith = (where: object): string[] => {
    const policy = { name: 'things', entities: [Thing, Part, Note], passes: [pass(where)] };
    try {
      return checkPolicy(definePolicy(policy)).map(({ what }) => what);
    } catch (error) {
      return [(error as Error).message];
    }
  };

  test('may be left out, and may say which rows', () => {
    expect(listIssuesWith({})).toEqual([]);
    expect(listIssuesWith({ where: { id: 1 } })).toEqual([]);
  });

  test.each([
    [{}, 'its where has no condition, so that it would be about every row'],
    [undefined, 'its where is undefined, which is no filter'],
    [null, 'its where is null, which is no filter'],
    [7, 'its where is 7, which is no filter'],
  ])('is refused where it came to %j', (where, message) => {
    expect(listIssuesWith({ where }).join()).toContain(message);
  });
});
