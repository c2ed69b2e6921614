import { describe, expect, test } from '@jest/globals';

import { findRole } from '../../../activities/inspect/propose/time-words.ts';
import { splitWords } from '../../../activities/inspect/propose/words.ts';
import { recogniseEpoch } from '../../../activities/resolve/epoch-unit.ts';

describe('what a proposal is guessed from', () => {
  test.each([
    ['taskRuns', 'task run'],
    ['DjangoAdminLog_Entries', 'django admin log entry'],
    ['HTTPRequests', 'httprequest'],
    ['status', 'status'],
    ['addresses', 'addresse'],
    ['analysis', 'analysis'],
    ['runs', 'run'],
    ['', ''],
  ])('words of %s', (name, words) => {
    expect(splitWords(name).join(' ')).toBe(words);
  });

  test.each([
    ['expires_at', 'expiry'],
    ['keepUntil', 'expiry'],
    ['completed_on', 'end'],
    ['createdAt', 'creation'],
    ['occurred', 'event'],
    ['last_login', 'change'],
    ['date_of_birth', 'plan'],
    ['start_after', 'plan'],
    ['weight', 'other'],
  ] as const)('%s is of role %s', (column, role) => {
    expect(findRole(column)).toBe(role);
  });

  test.each([
    ['seconds', ['1700000000', '1800000000'], 's'],
    ['the first second, and the last', ['100000000', '5000000000'], 's'],
    ['just outside of both', ['99999999', '5000000001'], undefined],
    ['milliseconds', ['1700000000000'], 'ms'],
    ['microseconds', ['1700000000000000'], 'us'],
    ['nanoseconds', ['1700000000000000000'], undefined],
    ['seconds with a fraction', ['1700000000.25'], 's'],
    ['durations', ['300', '86400'], undefined],
    ['zeros for never', ['0', '0', '1700000000'], 's'],
    ['one of ten is none', [...Array.from({ length: 9 }, () => '1700000000'), '5'], 's'],
    ['two of eleven are none', [...Array.from({ length: 9 }, () => '1700000000'), '5', '6'], undefined],
    ['nothing', [], undefined],
    ['texts', ['yesterday'], undefined],
  ] as const)('numbers since 1970: %s', (_, values, unit) => {
    expect(recogniseEpoch(values)).toBe(unit);
  });
});
