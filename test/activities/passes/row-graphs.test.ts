import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Node = defineEntity({
  name: 'Node',
  properties: {
    id: p.integer().primary(),
    parentId: p.integer().nullable(),
    at: p.datetime(),
    kind: p.string().nullable(),
  },
});
const Log = defineEntity({ name: 'Log', properties: { id: p.integer().primary(), nodeId: p.integer() } });
const Match = defineEntity({ name: 'Match', properties: { id: p.integer().primary(), at: p.datetime() } });
const Market = defineEntity({
  name: 'Market',
  properties: { id: p.integer().primary(), matchId: p.integer(), name: p.string(), at: p.datetime() },
});
const Price = defineEntity({
  name: 'Price',
  properties: { id: p.integer().primary(), marketId: p.integer() },
});
const Latest = defineEntity({
  name: 'Latest',
  properties: { name: p.string().primary(), marketId: p.integer() },
});
const Document = defineEntity({
  name: 'Document',
  properties: { id: p.integer().primary(), currentId: p.integer().nullable(), at: p.datetime() },
});
const Version = defineEntity({
  name: 'Version',
  properties: { id: p.integer().primary(), documentId: p.integer() },
});
const ENTITIES = [Node, Log, Match, Market, Price, Latest, Document, Version];

const OLD = `now() - interval '9 days'`;

/** In one batch, row by row, and by locking first. */
const WAYS: EngineOptions[] = [{}, { size: 1 }, { lockFirst: true, size: 2 }];

describe('rows that are reached along several ways', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
  });
  afterEach(async () => database.drop());

  function policy(options: object): Policy {
    const pass = expireRows({ name: 'old', age: 'at', olderThan: '1 day', ...options } as never);
    return definePolicy({ name: 'p', enabled: true, entities: ENTITIES, shards: 2, passes: [pass] });
  }

  async function ids(table: string): Promise<number[]> {
    return (await database.rows<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);
  }

  test.each(WAYS)('soft children of rows that go by cascade go as well: %j', async (way) => {
    // 1 and 4 are old; 2 is in 1 and 3 in 2, as 5 is in 4. 6 is young, with 7 in it, which is old.
    await database.rows(`
      create table node (id integer primary key, parent_id integer references node on delete cascade, at timestamptz, kind text);
      create table log (id integer primary key, node_id integer);
      create index on node (parent_id); create index on log (node_id);
      insert into node values (1, null, ${OLD}), (2, 1, now()), (3, 2, now()), (4, null, ${OLD}), (5, 4, ${OLD}),
        (6, null, now()), (7, 6, ${OLD}), (8, 6, now());
      insert into log select 10 * id, id from node union all select 10 * id + 1, id from node union all select 990, 99`);
    const deleted = await runAsPreviewed(
      database.url,
      policy({ entity: Node, with: [softChild({ entity: Log, by: 'nodeId' })] }),
      way,
    );
    expect(deleted).toEqual({ old: { node: 6, log: 12 } });
    expect([await ids('node'), await ids('log')]).toEqual([
      [6, 8],
      [60, 61, 80, 81, 990],
    ]);
  });

  test.each(WAYS)(
    'an entity that is its own soft child goes with the whole chain below it: %j',
    async (way) => {
      await database.rows(`
      create table node (id integer primary key, parent_id integer, at timestamptz, kind text);
      create index on node (parent_id);
      insert into node values (10, null, ${OLD}), (11, 10, ${OLD}), (12, 11, now()), (20, null, now()), (21, 20, now()), (13, 12, now())`);
      const deleted = await runAsPreviewed(
        database.url,
        policy({ entity: Node, with: [softChild({ entity: Node, by: 'parentId' })] }),
        way,
      );
      expect(deleted).toEqual({ old: { node: 4 } });
      expect(await ids('node')).toEqual([20, 21]);
    },
  );

  test.each(WAYS)(
    'soft children that a cascade reaches as well leave neither their own nor pointers: %j',
    async (way) => {
      // Markets 7 and 9 are in a round of match 1; 9 names match 2, which stays.
      await database.rows(`
      create table match (id integer primary key, at timestamptz);
      create table round (id integer primary key, match_id integer references match on delete cascade);
      create table market (id integer primary key, match_id integer, round_id integer references round on delete cascade, name text, at timestamptz default now());
      create table price (id integer primary key, market_id integer);
      create table latest (name text primary key, market_id integer);
      create index on round (match_id); create index on market (match_id); create index on market (round_id); create index on price (market_id);
      insert into match values (1, ${OLD}), (2, now());
      insert into round values (5, 1), (6, 2);
      insert into market values (7, 1, 5, 'x'), (8, 1, null, 'y'), (9, 2, 5, 'z'), (20, 2, 6, 'z');
      update market set at = now() - interval '1 hour' where id = 20;
      insert into price select 10 * id, id from market;
      insert into latest values ('x', 7), ('y', 8), ('z', 9)`);
      const latest = latestPointer({
        holder: Latest,
        pointer: 'marketId',
        target: Market,
        group: 'name',
        newest: 'at',
      });
      const prices = softChild({ entity: Price, by: 'marketId' });
      const deleted = await runAsPreviewed(
        database.url,
        policy({
          entity: Match,
          with: [softChild({ entity: Market, by: 'matchId', with: [prices], repoint: [latest] })],
        }),
        way,
      );
      expect(deleted).toEqual({ old: { match: 1, round: 1, market: 3, price: 3, latest: 2 } });
      expect([await ids('market'), await ids('price')]).toEqual([[20], [200]]);
      expect(await database.rows('select * from latest')).toEqual([{ name: 'z', market_id: 20 }]);
    },
  );

  const CURRENT = {
    'set null': ['references document', 'on delete set null'],
    cascade: ['references document', 'on delete cascade'],
    'set null, with versions that cascade': ['references document on delete cascade', 'on delete set null'],
    'no action': ['references document', ''],
    'set null, with versions that restrict': ['references document on delete restrict', 'on delete set null'],
  };
  describe.each(Object.entries(CURRENT))('a document with a current version: %s', (_, [version, current]) => {
    test.each(WAYS)('goes with all its versions: %j', async (way) => {
      await database.rows(`
        create table document (id integer primary key, current_id integer, at timestamptz);
        create table version (id integer primary key, document_id integer not null ${version});
        alter table document add foreign key (current_id) references version ${current};
        create index on version (document_id); create index on document (current_id);
        insert into document select n, null, case when n <= 5 then ${OLD} else now() end from generate_series(1, 8) as n;
        insert into version select 10 * n + k, n from generate_series(1, 8) as n, generate_series(0, 1) as k;
        update document set current_id = 10 * id + 1`);
      const deleted = await runAsPreviewed(
        database.url,
        policy({ entity: Document, with: [softChild({ entity: Version, by: 'documentId' })] }),
        way,
      );
      expect(deleted).toEqual({ old: { document: 5, version: 10 } });
      expect(await ids('version')).toEqual([60, 61, 70, 71, 80, 81]);
    });
  });

  const TREES = {
    'by a cascade': 'references node on delete cascade',
    'as soft children': '',
  };
  test.each(Object.entries(TREES))('keepLast is refused if rows go along with others %s', async (_, key) => {
    await database.rows(`
      create table node (id integer primary key, parent_id integer ${key}, at timestamptz, kind text);
      create index on node (parent_id);
      insert into node values (1, null, ${OLD}, 'd'), (2, 1, ${OLD}, 'd')`);
    const children = key === '' ? { with: [softChild({ entity: Node, by: 'parentId' })] } : {};
    const keeping = policy({ entity: Node, keepLast: { count: 1, per: ['kind'] }, ...children });
    await expect(runEngine(database.url, keeping)).rejects.toThrow(
      /keepLast keeps rows of Node, but rows of it are also deleted along with others/,
    );
    expect(await ids('node')).toEqual([1, 2]);
  });

  test('keepLast is refused if rows go along by a circle over another table', async () => {
    await database.rows(`
      create table node (id integer primary key, parent_id integer, at timestamptz, kind text);
      create table log (id integer primary key, node_id integer references node on delete cascade);
      alter table node add foreign key (parent_id) references log on delete cascade;
      insert into node values (1, null, ${OLD}, 'd')`);
    const keeping = policy({ entity: Node, keepLast: { count: 1, per: ['kind'] } });
    await expect(runEngine(database.url, keeping)).rejects.toThrow(/keepLast keeps rows of Node/);
  });
});
