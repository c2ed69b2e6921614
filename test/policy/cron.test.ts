import { expect, test } from '@jest/globals';

import { checkSchedule } from '../../policy/schedule.ts';

const REFUSED = [
  ['the last day of a month', '0 3 L * *', 'its day of month, "L"'],
  ['the last weekday', '0 3 LW * *', 'its day of month, "LW"'],
  ['the nearest weekday', '0 3 15W * *', 'its day of month, "15W"'],
  ['the last Friday', '0 3 * * 5L', 'its day of week, "5L"'],
  ['the first Monday', '0 3 * * 1#1', 'its day of week, "1#1"'],
  ['a question mark', '0 3 ? * MON', 'its day of month, "?"'],
  ['a hash', '0 H * * *', 'its hour, "H"'],
  ['a random value', '0~9 3 * * *', 'its minute, "0~9"'],
  ['a step from a number', '5/15 3 * * *', 'its minute, "5/15"'],
  ['a step of nothing', '*/0 3 * * *', 'its minute, "*/0"'],
  ['a day where a month stands', '0 3 * MON *', 'its month, "MON"'],
  ['both fields for days', '0 3 1 * 1', 'both a day of month and a day of week'],
  ['both fields, one of them all days', '0 3 */2 * 0-6', 'both a day of month and a day of week'],
  ['Sunday as the end of a range', '0 3 * * 1-7', 'Temporal leaves Sunday out'],
  ['Sunday as an end among others', '0 3 * * 1,5-7', 'Temporal leaves Sunday out'],
  ['a day that no month has', '0 3 31 2 *', 'it never fires'],
  ['days that no month has', '0 3 31 2,4,6 *', 'it never fires'],
  ['a range that goes down', '0 22-4 * * *', 'cannot be read'],
  ['a range of days that goes down', '0 3 * * FRI-MON', 'cannot be read'],
  ['an hour that no day has', '0 24 * * *', 'cannot be read'],
  ['a nickname', '@daily', 'it has not five fields'],
  ['seconds', '0 0 3 * * *', 'it has not five fields'],
] as const;

const ACCEPTED = ['0 3 * * 7', '0 3 * * 0,7', '*/15 1-5/2 1,15 JAN-MAR *', '0 0 29 2 *', '5 4 * * mon,FRI'];

test.each(REFUSED)('%s is refused, which Temporal would read otherwise or not at all', (_, cron, what) => {
  const [issue, ...more] = checkSchedule('policy "p"', { cron });
  expect(more).toEqual([]);
  expect(issue).toMatchObject({ at: 'policy "p"', what: expect.stringContaining(what) });
});

test.each(ACCEPTED)('%s is taken', (cron) => {
  expect(checkSchedule('policy "p"', { cron })).toEqual([]);
});
