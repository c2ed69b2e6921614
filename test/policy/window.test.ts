import { describe, expect, test } from '@jest/globals';

import { checkPolicy } from '../../policy/check.ts';
import { parseLimits } from '../../policy/limits.ts';
import { reclaimSpace } from '../../policy/reclaim-space.ts';
import { parseWindow, formatWindow, windowAt } from '../../policy/window.ts';
import { expiring, makePolicy } from '../support/items.ts';

function at(text: string, timezone: string, now: string): string {
  const window = parseWindow(text, timezone);
  if (window === undefined) throw new Error(`${text} is no window`);
  const { open, until } = windowAt(window, Date.parse(now));
  const end = until === Infinity ? 'ever' : new Date(until).toISOString().slice(0, 16);
  return `${open ? 'open' : 'closed'} until ${end}`;
}

/** What is wrong with a window, by option. */
const OPTIONS = {
  'limits.window': (window: unknown): string[] => {
    const policy = { ...makePolicy(expiring()), limits: parseLimits({ window: window as string }) };
    return checkPolicy(policy).map(({ what }) => what);
  },
  window: (window: unknown): string[] => {
    const pass = reclaimSpace({ name: 'reclaim', mode: 'full', window: window as string });
    return checkPolicy(makePolicy(expiring(), pass)).map(({ what }) => what);
  },
} as const;

describe('a window', () => {
  test.each([
    ['01:00-05:00', '2026-01-10T00:59:59Z', 'closed until 2026-01-10T01:00'],
    ['01:00-05:00', '2026-01-10T01:00:00Z', 'open until 2026-01-10T05:00'],
    ['01:00-05:00', '2026-01-10T04:59:59.999Z', 'open until 2026-01-10T05:00'],
    ['01:00-05:00', '2026-01-10T05:00:00Z', 'closed until 2026-01-11T01:00'],
    ['22:30-04:15', '2026-01-10T22:29:00Z', 'closed until 2026-01-10T22:30'],
    ['22:30-04:15', '2026-01-10T23:00:00Z', 'open until 2026-01-11T04:15'],
    ['22:30-04:15', '2026-01-11T03:00:00Z', 'open until 2026-01-11T04:15'],
    ['20:00-24:00', '2026-01-10T23:59:00Z', 'open until 2026-01-11T00:00'],
    ['00:00-06:00', '2026-12-31T12:00:00Z', 'closed until 2027-01-01T00:00'],
    ['1:00-5:00', '2026-01-10T01:00:00Z', 'open until 2026-01-10T05:00'],
    ['00:00-24:00', '2026-01-10T00:00:00Z', 'open until ever'],
    ['00:00-24:00', '2026-01-10T23:59:59Z', 'open until ever'],
  ])('%s at %s is %s', (text, now, expected) => {
    expect(at(text, 'UTC', now)).toBe(expected);
  });

  // In Berlin the clock goes from 2:00 to 3:00 on 2026-03-29 and from 3:00 back to 2:00 on 2026-10-25.
  test.each([
    [
      '01:00-05:00',
      '2026-03-28T23:00:00Z',
      'closed until 2026-03-29T00:00',
      'opens before the hour left out',
    ],
    ['01:00-05:00', '2026-03-29T00:30:00Z', 'open until 2026-03-29T03:00', 'is an hour shorter in spring'],
    ['02:15-02:45', '2026-03-28T12:00:00Z', 'closed until 2026-03-30T00:15', 'lies in the hour left out'],
    ['02:30-04:00', '2026-03-29T00:59:00Z', 'closed until 2026-03-29T01:00', 'opens late, at three'],
    ['01:00-05:00', '2026-10-25T00:00:00Z', 'open until 2026-10-25T04:00', 'is an hour longer in autumn'],
    ['02:30-03:00', '2026-10-25T00:45:00Z', 'open until 2026-10-25T01:00', 'closes when the clock goes back'],
    ['02:30-03:00', '2026-10-25T01:10:00Z', 'closed until 2026-10-25T01:30', 'and opens a second time'],
    ['22:00-02:00', '2026-10-24T23:30:00Z', 'open until 2026-10-25T00:00', 'over midnight'],
    ['03:00-04:00', '2026-10-24T22:00:00Z', 'closed until 2026-10-25T02:00', 'two hours after the first two'],
  ])('%s in Berlin at %s is %s: it %s', (text, now, expected) => {
    expect(at(text, 'Europe/Berlin', now)).toBe(expected);
  });

  test('knows zones of half hours', () => {
    expect(at('01:00-05:00', 'Asia/Kathmandu', '2026-05-05T19:14:00Z')).toBe('closed until 2026-05-05T19:15');
  });

  test('knows zones of whole hours, over midnight of UTC', () => {
    expect(at('01:00-05:00', 'Asia/Bangkok', '2026-03-09T18:00:00Z')).toBe('open until 2026-03-09T22:00');
    expect(at('01:00-05:00', 'Asia/Bangkok', '2026-03-10T01:00:00Z')).toBe('closed until 2026-03-10T18:00');
  });

  // Both options have one grammar: what the one takes, the other takes.
  describe.each(['limits.window', 'window'] as const)('as option %s', (option) => {
    test.each([
      ['01:00-05:00', '01:00-05:00 UTC'],
      ['1:00-5:00', '01:00-05:00 UTC'],
      ['22:30-04:05', '22:30-04:05 UTC'],
      ['20:00-24:00', '20:00-24:00 UTC'],
      ['00:00-24:00', '00:00-24:00 UTC'],
      ['0:00-24:00', '00:00-24:00 UTC'],
    ])('%s is read as %s', (text, said) => {
      expect(OPTIONS[option](text)).toEqual([]);
      const window = parseWindow(text, 'UTC');
      expect(window === undefined ? '' : formatWindow(window)).toBe(said);
    });

    test.each([
      '',
      '1-5',
      '05:00-05:00',
      '00:00-00:00',
      '24:00-05:00',
      '24:00-24:00',
      '25:00-26:00',
      '01:60-02:00',
      '01:00-05:60',
      '01:00-24:01',
      '01:00',
      7,
    ])('%p is refused', (value) => {
      expect(OPTIONS[option](value)).toEqual([`${option} is ${JSON.stringify(value)}`]);
    });
  });
});
