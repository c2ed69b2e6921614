import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p, raw } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import type { SoftChild } from '../../../policy/expire-rows.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

// An application sets references to null before it deletes a row: Django's `SET_NULL`, the `nullify` of Rails. The foreign key
// in the database has no action.

const AccessToken = defineEntity({
  name: 'AccessToken',
  properties: {
    id: p.integer().primary(),
    expires: p.datetime(),
    sourceId: p.integer().nullable(),
    userId: p.integer(),
  },
});
const RefreshToken = defineEntity({
  name: 'RefreshToken',
  properties: {
    id: p.integer().primary(),
    revoked: p.datetime().nullable(),
    accessTokenId: p.integer().nullable(),
    clientId: p.integer(),
    parentId: p.integer().nullable(),
  },
});
const Client = defineEntity({
  name: 'Client',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Note = defineEntity({
  name: 'Note',
  properties: { id: p.integer().primary(), about: p.string().nullable(), key: p.string().nullable() },
});

const range = (first: number, last: number, step = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, n) => first + n * step);
const ALL = range(1, 60);

/** As in Django's OAuth tokens: each refresh token names its access token; an access token the one that it was renewed by. */
const SCHEMA = `
  create table client (id integer primary key, at timestamp with time zone not null);
  create table access_token (id integer primary key, expires timestamp with time zone not null, source_id integer, user_id integer);
  create table refresh_token (
    id integer primary key, revoked timestamp with time zone,
    access_token_id integer unique references access_token (id) deferrable initially deferred,
    client_id integer references client (id), parent_id integer);
  create table note (id integer primary key, about text, key text)`;

/** Refresh tokens with an even number are revoked, each so many days ago. */
const ROWS = `
  insert into client select n, ${daysAgo(100)} from nums where n <= 2;
  insert into access_token select n, ${daysAgo(-1)}, null, 1 from nums;
  insert into refresh_token (id, revoked, access_token_id, client_id) values
    ${ALL.map((n) => `(${n}, ${n % 2 === 0 ? daysAgo(n) : 'null'}, ${n}, ${1 + (n % 2)})`).join(', ')};
  update access_token set source_id = id + 1 where id % 2 = 1;
  insert into note select n, case when n % 2 = 0 then 'refresh' else 'client' end, n from nums`;

const OLD = range(20, 60, 2);
const LEFT = ALL.filter((id) => !OLD.includes(id));

const cleared = softChild({ entity: AccessToken, by: 'sourceId', onDelete: 'set null' });

function makePolicy(...passes: readonly Pass[]): Policy {
  return definePolicy({
    name: 'lab',
    enabled: true,
    entities: [AccessToken, RefreshToken, Client, Note],
    limits: { maxPercent: 100 },
    passes: [...passes],
  });
}
function revoked(children: readonly SoftChild[], options: object = {}): Pass {
  return expireRows({
    name: 'revoked',
    entity: RefreshToken,
    age: 'revoked',
    olderThan: '20 days',
    with: [...children],
    ...options,
  });
}

const SMALL: EngineOptions = { lockFirst: true, size: 2 };
const SIZES: EngineOptions[] = [{}, SMALL];
const FOREIGN_KEYS: [string, EngineOptions][] = [
  ['', {}],
  ['', { size: 4, scan: 'by-location' }],
  ['deferrable initially deferred', SMALL],
  ['on delete restrict', SMALL],
  ['on delete set null', {}],
];

describe.each(DIALECTS)('references that a pass sets to null, on %s', (dialect, open) => {
  let database: EitherDatabase;

  beforeEach(async () => {
    database = await open('create table nums (n integer primary key)');
    await database.execute(`insert into nums values ${ALL.map((n) => `(${n})`).join(', ')}`);
  });
  afterEach(async () => database.drop());

  /** `source` is what the foreign key of an access token says; null for none. */
  async function fill(source: string | null, isNotNull = false): Promise<void> {
    const key = `integer${isNotNull ? ' not null' : ''}`;
    const reference = `references refresh_token (id) ${source ?? ''}`;
    const inline = source !== null && dialect === 'SQLite' ? ` ${reference}` : '';
    await database.execute(SCHEMA.replace('source_id integer', `source_id ${key}${inline}`));
    if (source !== null && dialect !== 'SQLite') {
      await database.execute(
        `alter table access_token add constraint source_key foreign key (source_id) ${reference}`,
      );
    }
    await database.execute('create index source on access_token (source_id)');
    if (!isNotNull)
      for (const statement of ROWS.split(';')) if (statement.trim() !== '') await database.execute(statement);
  }
  async function using<T>(work: (opened: Database) => Promise<T>): Promise<T> {
    const opened = await openDatabase(database.url);
    try {
      return await work(opened);
    } finally {
      await opened.close();
    }
  }
  const explain = async (policy: Policy, entity: string, key: number): Promise<string[]> =>
    using(async (opened) => {
      const { passes } = await explainRow(opened, policy, entity, String(key));
      return passes.flatMap(({ goes, reasons }) => (goes ? ['goes'] : reasons.map(({ why }) => why)));
    });
  const sources = async (): Promise<number[]> =>
    (
      await database.rows<{ id: number }>(
        'select source_id as id from access_token where source_id is not null order by 1',
      )
    ).map(({ id }) => id);
  const refusal = async (...passes: Pass[]): Promise<string> =>
    runEngine(database.url, makePolicy(...passes)).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );

  test.each(FOREIGN_KEYS)(
    'are null in the rows that stay, and no others are: foreign key %j, %j',
    async (key, options) => {
      await fill(key);
      const policy = makePolicy(revoked([cleared]));
      expect(await runAsPreviewed(database.url, policy, options)).toEqual({ revoked: { refresh_token: 21 } });
      expect(await database.ids('refresh_token')).toEqual(LEFT);
      expect(await database.ids('access_token')).toEqual(ALL);
      expect(await sources()).toEqual(range(2, 18, 2));
    },
  );

  test('without the option such rows stay, and preview and explain say so', async () => {
    await fill('deferrable initially deferred');
    const [kept, gone] = [makePolicy(revoked([])), makePolicy(revoked([cleared]))];
    const [pass] = await using(async (opened) => (await previewPolicy(opened, kept, ['revoked'])).passes);
    expect(pass).toMatchObject({ deleted: {}, blocked: 21 });
    expect(await runAsPreviewed(database.url, kept)).toEqual({ revoked: {} });
    expect(await database.ids('refresh_token')).toEqual(ALL);
    expect(await explain(kept, 'RefreshToken', 20)).toEqual(['referenced']);
    expect(await explain(gone, 'RefreshToken', 20)).toEqual(['goes']);
    expect(await explain(gone, 'RefreshToken', 18)).toEqual(['too-young']);
    expect(await explain(gone, 'AccessToken', 19)).toEqual([]);
  });

  test('a hold keeps the row that is named, and not what names it', async () => {
    await fill('');
    const policy = makePolicy(revoked([cleared]));
    await using(async (opened) => {
      for (const [entity, key] of [
        ['AccessToken', '19'],
        ['RefreshToken', '30'],
      ] as const)
        await addHold(opened, policy, { entity, rows: { key }, reason: 'asked', who: 'me', until: null });
    });
    await runAsPreviewed(database.url, policy);
    expect(await database.ids('refresh_token')).toEqual([...LEFT, 30].toSorted((a, b) => a - b));
    expect(await sources()).toEqual([...range(2, 18, 2), 30]);
  });

  test.each(SIZES)('to rows that are soft children themselves: %j', async (options) => {
    await fill('');
    await database.execute(`update client set at = ${daysAgo(1)} where id = 2`);
    const tokens = softChild({ entity: RefreshToken, by: 'clientId', with: [cleared] });
    const policy = makePolicy(
      expireRows({ name: 'clients', entity: Client, age: 'at', olderThan: '20 days', with: [tokens] }),
    );
    await runAsPreviewed(database.url, policy, options);
    expect(await database.ids('client')).toEqual([2]);
    expect(await database.ids('refresh_token')).toEqual(range(1, 59, 2));
    expect(await database.ids('access_token')).toEqual(ALL);
    expect(await sources()).toEqual([]);
  });

  test('without a foreign key, of rows of one kind, by a key as text', async () => {
    await fill('');
    const notes = softChild({
      entity: Note,
      by: 'key',
      as: 'text',
      where: { about: 'refresh' },
      onDelete: 'set null',
    });
    await runAsPreviewed(database.url, makePolicy(revoked([cleared, notes])));
    const left = await database.rows<{ id: number }>('select id from note where key is not null order by id');
    expect(left.map(({ id }) => id)).toEqual(LEFT);
    expect(await database.ids('note')).toEqual(ALL);
  });

  test('a later pass finds them null', async () => {
    await fill('');
    const aged = { name: 'unnamed', entity: AccessToken, age: 'expires', olderThan: '20 days' } as const;
    await database.execute(`update access_token set expires = ${daysAgo(30)} where id % 2 = 1`);
    await database.execute('update refresh_token set access_token_id = null');
    const late = expireRows({ ...aged, where: { sourceId: null } });
    await runAsPreviewed(database.url, makePolicy(revoked([cleared]), late));
    expect(await database.ids('access_token')).toEqual(
      [...range(1, 17, 2), ...range(2, 60, 2)].toSorted((a, b) => a - b),
    );
    const orphans = deleteOrphans({
      name: 'lost',
      entity: AccessToken,
      by: 'sourceId',
      parent: RefreshToken,
      age: 'expires',
    });
    expect(await runAsPreviewed(database.url, makePolicy(revoked([cleared]), orphans))).toEqual({
      revoked: {},
      lost: {},
    });
  });

  test.each(SIZES)('a filter that reads what is set to null is asked before: %j', async (options) => {
    await fill('');
    const where = raw(
      () => 'exists (select 1 from access_token as a where a.source_id = t.id and a.id >= 41)',
    );
    await runAsPreviewed(
      database.url,
      makePolicy(revoked([cleared], { where: { [where as never]: [] } })),
      options,
    );
    expect(await database.ids('refresh_token')).toEqual(ALL.filter((id) => id < 42 || id % 2 === 1));
    expect(await sources()).toEqual(range(2, 40, 2));
  });

  test('of many rows that name one, in small batches', async () => {
    await fill('');
    await database.execute(`insert into access_token
      select 1000 + 60 * a.n + b.n, ${daysAgo(-1)}, 40, 1 from nums as a cross join nums as b where a.n <= 20`);
    await runAsPreviewed(database.url, makePolicy(revoked([cleared])), { lockFirst: true, size: 5 });
    expect(await database.ids('refresh_token')).toEqual(LEFT);
    expect(await sources()).toEqual(range(2, 18, 2));
    expect(await database.ids('access_token')).toHaveLength(1260);
  });

  test('what cannot be right is refused by name', async () => {
    await fill('on delete cascade', true);
    expect(await refusal(revoked([cleared]))).toContain(
      'softChild AccessToken is to stay with sourceId set to null, which takes no null',
    );
  });

  test('nor what would be deleted as well, or found by the database only', async () => {
    await fill('on delete cascade');
    expect(await refusal(revoked([cleared]))).toContain('but a foreign key says on delete cascade');
    const own = softChild({ entity: RefreshToken, by: 'parentId', onDelete: 'set null' });
    expect(await refusal(revoked([own]))).toContain('its table is the one that the pass deletes from');
    const gone = softChild({ entity: Note, by: 'key', as: 'text' });
    const stays = softChild({
      entity: Note,
      by: 'key',
      as: 'text',
      onDelete: 'set null',
      where: { about: 'refresh' },
    });
    expect(await refusal(revoked([gone, stays]))).toContain('another softChild deletes the rows');
    const both = softChild({ entity: RefreshToken, by: 'parentId', with: [stays] });
    expect(await refusal(revoked([both]))).toContain(
      'the pass deletes rows along several ways or by several columns',
    );
    const within = softChild({
      entity: AccessToken,
      by: 'userId',
      onDelete: 'set null',
      with: [gone],
    } as never);
    expect(await refusal(revoked([within]))).toContain('repoint or with is about children that are deleted');
    const odd = softChild({ entity: AccessToken, by: 'userId', onDelete: 'restrict' } as never);
    expect(await refusal(revoked([odd]))).toContain("Use 'set null'");
  });
});

describe('references that cannot be set to null, on PostgreSQL', () => {
  let database: EitherDatabase;

  beforeEach(async () => {
    const [, open] = DIALECTS[0] as (typeof DIALECTS)[number];
    database = await open(`
      ${SCHEMA};
      alter table access_token add constraint source_key foreign key (source_id) references refresh_token (id);
      insert into client values (1, now());
      insert into access_token select n, now(), null, 1 from generate_series(1, 10) as n;
      insert into refresh_token select n, now() - interval '30 days', n, 1 from generate_series(1, 10) as n;
      update access_token set source_id = id`);
  });
  afterEach(async () => database.drop());

  test('a trigger that keeps one keeps its row, and no other', async () => {
    await database.execute(`
      create function keep() returns trigger language plpgsql as $$ begin
        if old.id = 4 then return old; end if;
        return new;
      end $$;
      create trigger keep before update on access_token for each row execute function keep()`);
    const report = await runEngine(database.url, makePolicy(revoked([cleared])));
    expect(report.passes[0]).toMatchObject({ deleted: { refresh_token: 9 }, blocked: 1 });
    expect(await database.ids('refresh_token')).toEqual([4]);
    const named = await database.rows(
      'select id, source_id as source from access_token where source_id is not null',
    );
    expect(named).toEqual([{ id: 4, source: 4 }]);
  });

  test('a check keeps one, and the preview says that it counts at most', async () => {
    await database.execute(
      'alter table access_token add constraint named check (id <> 7 or source_id is not null)',
    );
    const policy = makePolicy(revoked([cleared]));
    const opened = await openDatabase(database.url);
    const [pass] = (await previewPolicy(opened, policy, ['revoked'])).passes;
    await opened.close();
    expect(pass).toMatchObject({ deleted: { refresh_token: 10 }, bounds: [{ rows: 'at most' }] });
    const report = await runEngine(database.url, policy);
    expect(report.passes[0]).toMatchObject({ deleted: { refresh_token: 9 }, blocked: 1 });
    expect(await database.ids('refresh_token')).toEqual([7]);
  });

  test('a published table without a replica identity is refused by name', async () => {
    await database.execute('alter table access_token drop constraint access_token_pkey cascade');
    await database.execute('create publication lab for table access_token');
    const refused = runEngine(database.url, makePolicy(revoked([cleared])));
    await expect(refused).rejects.toThrow(/sets references to null in.*access_token/su);
  });
});
