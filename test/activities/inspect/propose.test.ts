import { describe, expect, test } from '@jest/globals';

import { isNamedForEvents } from '../../../activities/inspect/propose/growth.ts';
import type { KnownTable } from '../../../activities/inspect/propose/known-table.ts';
import { hasPathWord } from '../../../activities/inspect/propose/paths.ts';
import type { Proposal } from '../../../activities/inspect/propose/proposal.ts';
import { propose } from '../../../activities/inspect/propose/propose.ts';
import { readKnownDatabase } from '../../../activities/inspect/propose/read-database.ts';
import { findRole, isExpiryOfRow } from '../../../activities/inspect/propose/time-words.ts';
import { splitWords } from '../../../activities/inspect/propose/words.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { recogniseEpoch } from '../../../activities/resolve/epoch-unit.ts';
import { DIALECTS, daysAgo } from '../../support/either.ts';

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

/** What is proposed for a database with some tables. */
async function proposeFor(open: (typeof DIALECTS)[number][1], schema: string): Promise<Proposal> {
  const world = await open(schema);
  const database = await openDatabase(world.url);
  try {
    return await database.session.snapshot({ lockMillis: 5000, statementMillis: 0 }, async (tx) =>
      propose(await readKnownDatabase(tx)),
    );
  } finally {
    await database.close();
    await world.drop();
  }
}

describe.each(DIALECTS)('what is proposed for tables of %s', (_, open) => {
  /** A log with two ages that say the same of a row, and columns that say nothing of how long it is needed. */
  const makeLog = (name: string, indexed?: string): string => `
    create table ${name} (
      id integer primary key, weight integer, sent_at timestamp with time zone, customer_name text, note text,
      received_at timestamp with time zone, retries integer);
    ${indexed === undefined ? '' : `create index ${name}_age on ${name} (${indexed});`}
    create index ${name}_weight on ${name} (weight);
    insert into ${name} values (1, 7, ${daysAgo(200)}, 'somebody', 'a word', ${daysAgo(200)}, 3);`;

  test('of two ages of equal standing the indexed one is the age, whichever comes first', async () => {
    const { passes } = await proposeFor(
      open,
      makeLog('first_log', 'sent_at') + makeLog('second_log', 'received_at') + makeLog('third_log'),
    );
    expect(Object.fromEntries(passes.map(({ name, age }) => [name, age]))).toEqual({
      'first-log': 'sentAt',
      'second-log': 'receivedAt',
      'third-log': 'sentAt',
    });
  });

  test('an entity has its key, the ages and the states, and no other column', async () => {
    const { entities, unsolved, waived } = await proposeFor(
      open,
      `${makeLog('plain_log', 'sent_at')}
      create table job (
        id integer primary key, label text, state text, payload text, finished_at timestamp with time zone, worker_count integer);
      insert into job values
        (1, 'one', 'done', '{}', ${daysAgo(200)}, 1), (2, 'two', 'done', '{}', ${daysAgo(100)}, 1),
        (3, 'three', 'running', '{}', null, 1), (4, 'four', 'running', '{}', null, 1);
      analyze job;`,
    );
    expect({ unsolved, waived }).toEqual({ unsolved: [], waived: [] });
    const columns = entities.map(({ table, properties }) => [
      table,
      properties.map(({ column }) => column).toSorted(),
    ]);
    expect(Object.fromEntries(columns)).toEqual({
      plain_log: ['id', 'received_at', 'sent_at'],
      job: ['finished_at', 'id', 'state'],
    });
  });
});
