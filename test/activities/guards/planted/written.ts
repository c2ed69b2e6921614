import { raw } from '@mikro-orm/core';

import { lostNotes } from '../../../support/guarded.ts';
import type { Planted } from './planted.ts';
import { limits, pass } from './planted.ts';

/** Found in the policy and its input alone, or with the catalog. */
export const WRITTEN: Planted[] = [
  {
    mistake: 'a retention with the wrong sign',
    policy: pass({ olderThan: '-30 days' }),
    says: ['is negative', 'horizon would lie in the future'],
  },
  {
    mistake: 'a retention in the wrong unit',
    policy: pass({ olderThan: '30 min' }),
    says: ['nearly everything would be deleted', 'allowShort'],
  },
  {
    mistake: 'a retention of days written as milliseconds',
    policy: pass({ olderThan: 30 }),
    says: ['olderThan is 30 ms', 'allowShort'],
  },
  {
    mistake: 'a retention that is no duration',
    policy: pass({ olderThan: 'thirty days' }),
    says: ['is no duration', "like '90 days'"],
  },
  {
    mistake: 'a retention that was computed to NaN',
    policy: pass({ olderThan: Number.NaN }),
    says: ['is no duration'],
  },
  {
    mistake: 'a retention that was never set',
    policy: pass({ olderThan: undefined }),
    says: ['is no duration'],
  },
  {
    mistake: 'a grace with the wrong sign',
    policy: { passes: [lostNotes({ grace: '-1 day' })] },
    says: ['grace "-1 day" is negative'],
  },
  {
    mistake: 'a filter that was built and came out empty',
    policy: pass({ where: {} }),
    says: ['its where has no condition', 'about every row'],
  },
  {
    mistake: 'a retention of its own for no rows in particular',
    policy: pass({ overrides: [{ where: {}, olderThan: '2 days' }] }),
    says: ['its overrides[0].where has no condition'],
  },
  {
    mistake: 'a retention of its own in the wrong unit',
    policy: pass({ overrides: [{ where: { state: 'done' }, olderThan: '2 min' }] }),
    says: ['overrides[0].olderThan is 2 min', 'allowShort'],
  },
  {
    mistake: 'a list of conditions that is empty',
    policy: pass({ where: { $and: [] } }),
    says: ['its where has no value', '$and is empty'],
  },
  {
    mistake: 'alternatives of nothing',
    policy: pass({ where: { $or: [{}] } }),
    says: ['its where has no value', '$or.0 is empty'],
  },
  {
    mistake: 'the negation of nothing',
    policy: pass({ where: { $not: { $or: [] } } }),
    says: ['its where has no value', '$not.$or is empty'],
  },
  {
    mistake: 'a filter whose value is undefined',
    policy: pass({ where: { state: undefined } }),
    says: ['its where has no value', 'state is undefined'],
  },
  {
    mistake: 'a nested value that is undefined',
    policy: pass({ where: { state: { $in: ['done', undefined] } } }),
    says: ['is undefined'],
  },
  {
    mistake: 'a raw condition that is true',
    policy: pass({ where: { [raw('true')]: [] } }),
    says: ['true of every row'],
  },
  {
    mistake: 'a raw condition that is true, in digits',
    policy: pass({ where: { [raw('1 = 1')]: [] } }),
    says: ['true of every row'],
  },
  {
    mistake: 'a property that does not exist',
    policy: pass({ where: { stat: 'done' } }),
    says: ['stat', 'no property'],
  },
  { mistake: 'an age that is no point in time', policy: pass({ age: 'id' }), says: ['no timestamp or date'] },
  {
    mistake: 'an age that does not exist',
    policy: pass({ age: 'closedAt' }),
    says: ['"closedAt"', 'Use one of id, state, at'],
  },
  { mistake: 'no rows at all as a limit', policy: limits({ maxRows: 0 }), says: ['limits.maxRows is 0'] },
  {
    mistake: 'a limit of rows below nothing',
    policy: limits({ maxRows: -1000 }),
    says: ['limits.maxRows is -1000'],
  },
  {
    mistake: 'a limit of rows in words',
    policy: limits({ maxRows: '1000' }),
    says: ['limits.maxRows is "1000"'],
  },
  {
    mistake: 'a limit of time that is none',
    policy: limits({ maxDuration: 'soon' }),
    says: ['limits.maxDuration is "soon"', "'2 hours'"],
  },
  { mistake: 'a limit of no time', policy: limits({ maxDuration: 0 }), says: ['limits.maxDuration is 0'] },
  {
    mistake: 'a window without minutes',
    policy: limits({ between: '1-5' }),
    says: ['limits.between', "'01:00-05:00'"],
  },
  {
    mistake: 'a window without length',
    policy: limits({ between: '05:00-05:00' }),
    says: ['limits.between'],
  },
  {
    mistake: 'a window at no time of day',
    policy: limits({ between: '25:00-29:00' }),
    says: ['limits.between'],
  },
  {
    mistake: 'a time zone of elsewhere',
    policy: limits({ between: '01:00-05:00', timezone: 'Mars/Olympus' }),
    says: ['limits.timezone', 'IANA'],
  },
  {
    mistake: 'something else to do outside',
    policy: limits({ outside: 'sleep' }),
    says: ["Use 'wait' or 'stop'"],
  },
  {
    mistake: 'more percent than there is',
    policy: limits({ maxPercent: 150 }),
    says: ['limits.maxPercent is 150', 'from 0 to 100'],
  },
  {
    mistake: 'percent that are NaN, which nothing is more than',
    policy: limits({ maxPercent: Number.NaN }),
    says: ['limits.maxPercent is NaN'],
  },
  {
    mistake: 'percent in words',
    policy: limits({ maxPercent: '50%' }),
    says: ['limits.maxPercent is "50%"'],
  },
  { mistake: 'a growth that shrinks', policy: limits({ maxGrowth: 0.5 }), says: ['limits.maxGrowth is 0.5'] },
  {
    mistake: 'a table smaller than nothing',
    policy: limits({ smallTable: -1 }),
    says: ['limits.smallTable is -1'],
  },
  {
    mistake: 'permission in words',
    policy: limits({ allowNewest: 'no' }),
    says: ['limits.allowNewest is "no"'],
  },
  {
    mistake: 'a limit that does not exist',
    policy: limits({ maxrows: 10 }),
    says: ['"maxrows"', 'is no limit', 'maxRows'],
  },
  {
    mistake: 'an input that widens the rows',
    policy: limits({ maxRows: 100 }),
    input: { maxRows: 1_000_000 },
    says: ['only narrow', 'at most 100'],
  },
  {
    mistake: 'an input that widens the time',
    policy: limits({ maxDuration: '1 hour' }),
    input: { maxDuration: '3 hours' },
    says: ['only narrow', 'at most 1 h'],
  },
  { mistake: 'an input with no rows', input: { maxRows: 0 }, says: ['maxRows cannot be used'] },
  {
    mistake: 'an input with a time that is none',
    input: { maxDuration: 'soon' },
    says: ['maxDuration "soon" is no duration'],
  },
  {
    mistake: 'an input that allows itself more',
    input: { allowPercent: 100 },
    says: ['"allowPercent"', 'no run understands'],
  },
  {
    mistake: 'an input with limits of its own',
    input: { limits: { maxPercent: 100 } },
    says: ['"limits"', 'no run understands'],
  },
];
