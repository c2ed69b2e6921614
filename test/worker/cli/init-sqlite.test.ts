import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { describeNeeding } from '../../support/needing.ts';
import { PREFECT_FILE_STATEMENTS } from '../../support/prefect/fill-file.ts';
import { ProposedConfig } from '../../support/proposed-config.ts';
import type { TestFile } from '../../support/sqlite.ts';
import { createFile } from '../../support/sqlite.ts';

const DAY = 86_400;

/**
 * A help desk: requests with a state and texts as instants, replies that cascade, notes tied by name alone, a log of mails in
 * milliseconds, sessions that say when they expire in seconds, an archive that is searched, and what stays.
 */
const HELP_DESK = `
  create table agent (id integer primary key, name varchar(40), created_at datetime);
  create table request (
    id integer primary key, agent_id integer references agent on delete set null, status varchar(20) not null,
    created_at datetime not null, closed_at datetime, score integer);
  create table request_reply (
    id integer primary key, request_id integer not null references request on delete cascade, body text);
  create table request_note (id integer primary key, request_id integer, body text);
  create table mail_log (id integer primary key, recipient text, sent_ms integer not null);
  create table web_session (token text primary key, expires integer not null);
  create table setting (name text primary key, value text) without rowid;
  create virtual table search using fts5 (body);
  create index request_closed on request (closed_at);
  create index reply_request on request_reply (request_id);
  create index note_request on request_note (request_id);
  insert into agent select value, 'agent', '2020-01-01 00:00:00' from generate_series(1, 5);
  insert into request
    select value, 1 + value % 5, case value % 4 when 0 then 'open' else 'closed' end,
      strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-' || (value + 1) || ' days'),
      case value % 4 when 0 then null else strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-' || value || ' days', '-1 minute') end,
      value % 7
    from generate_series(1, 400);
  insert into request_reply select value, 1 + value % 400, 'a reply' from generate_series(1, 800);
  insert into request_note select value, 1 + value % 400, 'a note' from generate_series(1, 400);
  insert into mail_log select value, 'somebody@example.org', (unixepoch() - value * ${DAY} / 2) * 1000 - 1
    from generate_series(1, 400);
  insert into web_session select 'token ' || value, unixepoch() + (value - 50) * ${DAY} - 60 from generate_series(1, 100);
  insert into setting values ('theme', 'dark')`.replaceAll(
  /generate_series\((\d+), (\d+)\)/g,
  '(with recursive n (value) as (select $1 union all select value + 1 from n where value < $2) select value from n)',
);

describe('init of a SQLite file', () => {
  let file: TestFile;
  let config: ProposedConfig;
  beforeEach(() => {
    file = createFile(HELP_DESK);
    config = new ProposedConfig(file.url);
  });
  afterEach(() => {
    config.remove();
    file.drop();
  });

  test('proposes passes by what the values of columns are, and a reason for each other table', async () => {
    const text = await config.init();
    await config.compile();
    expect(text).toContain('enabled: false,');
    expect(text).toMatch(
      /entity: Request,\s+age: 'closedAt',\s+olderThan: '90 days',\s+where: \{ status: \{ \$in: \['closed'\] \} \},/,
    );
    expect(text).toMatch(/entity: MailLog,\s+age: epoch\('sentMs', 'ms'\),/);
    expect(text).toMatch(/entity: WebSession,\s+age: epoch\('expires', 's'\),\s+olderThan: '1 day',/);
    const comments = text.replaceAll(/\n\s*\/\/ /g, ' ');
    expect(comments).toContain('the preview counts, what references it by: request_reply.request_id.');
    expect(text).toContain("//   softChild({ entity: RequestNote, by: 'requestId' }),");
    expect(comments).toContain('Rows with open stay.');
    for (const table of ['agent', 'setting']) expect(text).toMatch(new RegExp(`^    ${table}: '`, 'm'));
    // Neither the tables of a virtual one nor any value of a row.
    expect(text).not.toMatch(/search|somebody|token 1|a reply/);
    const { code, stdout } = await config.type('init', '--check', '--json');
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({ code: 1, main: ['request_note'] });
  });
});

describeNeeding(['temporal'], 'what init proposes for a SQLite file', () => {
  test('runs: what the preview counts is deleted, and what is younger or open stays', async () => {
    const file = createFile(HELP_DESK);
    const config = new ProposedConfig(file.url);
    await config.init();
    config.edit(['enabled: false', 'enabled: true']);
    const preview = await config.preview();
    const run = await config.run();
    expect(run).toMatchObject({ status: 'completed', deleted: preview.deleted });
    // Closed before more than 90 days: of the requests 90 to 400 three of four.
    const closed = Array.from({ length: 400 }, (_, n) => n + 1).filter((n) => n % 4 !== 0 && n >= 90).length;
    expect(run.deleted).toEqual({
      request: closed,
      request_reply: 2 * closed,
      mail_log: 400 - 179,
      web_session: 49,
    });
    expect(file.value(`select count(*) from request where status = 'open'`)).toBe(100);
    expect(file.value('select count(*) from request_note')).toBe(400);
    config.remove();
    file.drop();
  });
});

test('init of the SQLite file of a Prefect server uses the preset, and waives each other table', async () => {
  const file = createFile(PREFECT_FILE_STATEMENTS.join(';\n'));
  const config = new ProposedConfig(file.url);
  const text = await config.init();
  expect(text).toContain('policies: [prefect({ enabled: false })],');
  expect((await config.preview()).deleted).toEqual({});
  const { code, stdout } = await config.type('init', '--check', '--json');
  expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({ code: 0, main: [] });
  config.remove();
  file.drop();
});
