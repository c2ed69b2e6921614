import { expect, test } from '@jest/globals';

import { isTimezone } from '../../policy/timezone.ts';

// Zones that got another name are known by either.
const ZONES = `UTC Asia/Bangkok America/Argentina/Buenos_Aires America/Port-au-Prince Etc/GMT+5
  Asia/Kathmandu Asia/Katmandu Asia/Kolkata Asia/Calcutta Europe/Kyiv Asia/Ho_Chi_Minh`.split(/\s+/);

test.each(ZONES)('%s is a time zone', (name) => {
  expect(isTimezone(name)).toBe(true);
});

const NONE = [
  'Mars/Olympus',
  'asia/kathmandu',
  'Kathmandu',
  '+05:45',
  'GMT+5',
  'utc',
  '',
  undefined,
  null,
  5,
];

test.each(NONE)('%j is none', (name) => {
  expect(isTimezone(name)).toBe(false);
});
