import { describe, expect, test } from '@jest/globals';

import { isNamedForEvents } from '../../../activities/inspect/propose/growth.ts';
import type { KnownTable } from '../../../activities/inspect/propose/known-table.ts';
import { hasPathWord } from '../../../activities/inspect/propose/paths.ts';
import { findRole, isExpiryOfRow } from '../../../activities/inspect/propose/time-words.ts';
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
    ['created_by', 'other'],
    ['createdat', 'creation'],
    ['createat', 'creation'],
    ['expiresat', 'expiry'],
    ['lastactivityat', 'change'],
    ['closedate', 'end'],
    ['format', 'other'],
    ['candidate', 'other'],
    ['lastname', 'other'],
    ['last_login_ip', 'other'],
  ] as const)('%s is of role %s', (column, role) => {
    expect(findRole(column)).toBe(role);
  });

  test.each([
    ['expires_at', 'api_key', true],
    ['keep_until', 'job', true],
    ['expiresat', 'sessions', true],
    ['keyexpiresat', 'users', false],
    ['expire_date', 'django_session', true],
    ['expires_at_ms', 'cache', true],
    ['token_expires_at', 'login_token', true],
    ['sessionExpires', 'userSessions', true],
    ['token_expires_at', 'ownerships', false],
    ['invitation_expires_at', 'memberships', false],
    ['passwordResetExpiresAt', 'users', false],
  ] as const)('%s of %s is the end of the row: %s', (column, table, isOfRow) => {
    expect(isExpiryOfRow(column, table)).toBe(isOfRow);
  });

  test.each([
    ['job_events', true],
    ['email_settings', false],
    ['settings_log', true],
    ['blocked_email_domains', false],
    ['email_addresses', false],
    ['notificationTemplates', false],
    ['webhooks', false],
    ['webhook_deliveries', true],
    ['session_speakers', false],
    ['task_instance', true],
    ['events_2026_01', true],
    ['event_p20260101', true],
    ['job_data', true],
  ])('%s is named for what happened: %s', (name, isEvent) => {
    expect(isNamedForEvents({ catalog: { name }, size: {} } as KnownTable)).toBe(isEvent);
  });

  test.each([
    ['image_path', true],
    ['file', true],
    ['path_token', false],
    ['file_hash', false],
    ['image_alt', false],
  ])('%s may record a file: %s', (column, mayRecord) => {
    expect(hasPathWord(column)).toBe(mayRecord);
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
