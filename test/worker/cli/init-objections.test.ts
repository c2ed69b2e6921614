import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { ProposedConfig, passesIn } from '../../support/proposed-config.ts';

// Tables of which a person must say how long their rows stay, each beside one that differs in that, and gets a pass.
// The kinds are from schemas of Danbooru, Lago, Vaultwarden and Uptime Kuma.
describe('what init leaves to a person', () => {
  let database: TestDatabase;
  let config: ProposedConfig;
  let passes: Record<string, string>;
  let comments: string;
  beforeAll(async () => {
    database = await createDatabase('template1');
    config = new ProposedConfig(database.url);
    await database.rows(`
      create table payment_event (id int primary key, at timestamptz);
      create table page_event (id int primary key, at timestamptz);
      create table visit_daily (id int primary key, at timestamptz);
      create table visit_entries (id int primary key, at timestamptz);
      create table message (id int primary key, body text, at timestamptz);
      create table message_log (id int primary key, body text, at timestamptz);
      create table conference_session (id int primary key, title text, ended_at timestamptz);
      create table session_speaker (id int primary key, created_at timestamptz);
      create table routing_rule (id int primary key, expires_at timestamptz);
      create table note_share (id int primary key, notes text, expires_at timestamptz);
      create table captcha (id int primary key, expires_at timestamptz);
      create table access_token (id int primary key, created_at timestamptz, last_used_at timestamptz);
      create table refresh_token (id int primary key, created_at timestamptz, expires_at timestamptz);
      create table web_session (id int primary key, created_at timestamptz, updated_at timestamptz);
      create index on web_session (created_at);
      create table old_session (id int primary key, created_at timestamptz);
      create table contact_import (id int primary key, created_at timestamptz);
      create table person (id int primary key, import_id int not null references contact_import on delete cascade, note text);
      create table file_import (id int primary key, created_at timestamptz);
      create table file_import_line (id int primary key, import_id int not null references file_import on delete cascade, note text);
      create table origin (import_id int primary key references file_import on delete cascade, title text);
      create table file_import_event (
        id int primary key, import_id int not null references file_import on delete cascade, state text, at timestamptz);
      insert into file_import values (1);
      insert into file_import_event values (1, 1, 'done', now()), (2, 1, 'done', now());
      create table device (id int primary key, import_id int not null references file_import on delete cascade, label text);
      create table job (id int primary key, ended_at timestamptz);
      create table job_invoice (id int primary key, job_id int not null references job);
      create table job_output (id int primary key, job_id int not null references job);
      create table job_error (id int, job_id int not null, at timestamptz not null) partition by range (at);
      create table job_error_2020 partition of job_error for values from ('2020-01-01') to ('2021-01-01');
      create table quote_log (id int, at timestamptz not null) partition by range (at);
      create table quote_log_2020 partition of quote_log for values from ('2020-01-01') to ('2021-01-01');
      create table place (id int primary key, created_at timestamptz);
      create table photo (id int primary key, captured_at timestamptz, path text);
      create table wind (id int primary key, at timestamptz);
      create table call_log (id int primary key, created_by bigint, deleted_at timestamptz);
      insert into place select n, now() from generate_series(1, 10000) as n;
      insert into photo select n, now(), 'a/' || n || '.jpg' from generate_series(1, 10000) as n;
      insert into wind select n, now() from generate_series(1, 10000) as n;
      insert into call_log select n, 1500000000 + n, now() from generate_series(1, 200) as n;
      analyze`);
    const text = await config.init();
    passes = passesIn(text);
    comments = text.replaceAll(/\n\s*\/\/ /g, ' ');
  });
  afterAll(async () => {
    config.remove();
    await database.drop();
  });

  test('gets no pass, and its like does', async () => {
    await config.compile();
    expect(Object.keys(passes).toSorted()).toEqual([
      'call-log',
      'captcha',
      'file-import',
      'job',
      'job-error',
      'message-log',
      'old-session',
      'page-event',
      'refresh-token',
      'rest-of-job-error',
      'visit-entries',
      'web-session',
      'wind',
    ]);
  });

  test.each([
    ['payment_event', 'how long rows must stay that are named for payment'],
    ['quote_log', 'how long rows must stay that are named for quote'],
    ['visit_daily', 'its name has daily, as of totals'],
    ['message', 'people seem to write in body'],
    ['conference_session', 'people seem to write in title'],
    ['session_speaker', 'its rows belong to things that happened, and may be of use for longer'],
    ['note_share', 'people seem to write in notes'],
    ['access_token', 'its rows may be used until they expire, and last_used_at does not say when'],
    ['contact_import', 'the database deletes rows of person along, which people may want to keep'],
    ['place', 'only its size says that old rows are of no use'],
    ['photo', 'only its size says that old rows are of no use'],
  ])('%s: %s', (table, why) => {
    expect(comments).toMatch(new RegExp(`- ${table}: [^:]*${why}`));
  });

  test('a table that goes with another has a pass of its own as a comment, of one line', async () => {
    const line = `expireRows({ name: 'file-import-event', entity: FileImportEvent, age: 'at', olderThan: '90 days', where: { state: { $in: ['done'] } } }),`;
    const text = config.text;
    expect(text).toContain(
      `    // Old rows that stay with one of file_import, as by a keepLast, need a pass of their own:\n    // ${line}\n`,
    );
    config.edit([`// ${line}`, line]);
    await config.compile();
    expect((await config.preview()).deleted).toEqual({});
    config.edit([line, `// ${line}`]);
    expect(config.text).toBe(text);
  });

  test('and what people set up is waived, also if it expires', () => {
    expect(comments).toMatch(/ routing_rule: '.*nothing shows that it grows',/);
  });

  test('what is used for long is old by its last use, or said to be in use', () => {
    expect(passes['web-session']).toContain("age: 'updatedAt',");
    expect(comments).toContain(
      'Rows may be in use although created_at is old: no column says when one was last',
    );
    expect(comments.match(/Rows may be in use/g)).toHaveLength(1);
    expect(passes['refresh-token']).toContain("age: 'expiresAt',");
  });

  test('an invoice of a job does not go with it, nor is a partition a table of its own', () => {
    expect(passes['job']).toContain(
      "with: [\n        softChild({ entity: JobOutput, by: 'jobId' }),\n      ],",
    );
    expect(comments).toContain('or a row that goes with it: job_invoice.job_id.');
    expect(comments).not.toContain('job_error_2020');
  });

  test('the number of who made a row is no instant, and the mark of deleted rows needs no where if it is the age', () => {
    expect(passes['call-log']).toContain("age: 'deletedAt',");
    expect(comments).not.toMatch(/created_by|seems to mark deleted rows/);
  });
});
