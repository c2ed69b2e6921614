import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Node = defineEntity({ name: 'Node', properties: { id: p.integer().primary(), at: p.datetime() } });
const Product = defineEntity({
  name: 'Product',
  properties: { id: p.integer().primary(), otherId: p.integer().nullable() },
});

describe('a pass changes what it has not looked at yet:', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
  });
  afterEach(async () => database.drop());

  function makePolicy(pass: Pass): Policy {
    return definePolicy({ name: 'p', enabled: true, entities: [Node, Product], shards: 2, passes: [pass] });
  }

  test.each(['set null', 'set default'])(
    'rows of its own that a foreign key moves go as well: %s',
    async (action) => {
      await database.rows(`
      create table node (id integer primary key, at timestamptz not null, parent_id integer references node on delete ${action}, body text);
      create index on node (parent_id);
      select setseed(0.5);
      insert into node
      select n, now() - interval '9 days', case when n > 1 then 1 + floor(random() * (n - 1))::integer end, repeat('x', 60)
      from generate_series(1, 3000) as n;
      insert into node values (6000, now(), null, '');
      analyze node`);
      const policy = makePolicy(expireRows({ name: 'old', entity: Node, age: 'at', olderThan: '1 day' }));
      expect(await runAsPreviewed(database.url, policy, { size: 50 })).toEqual({ old: { node: 3000 } });
      expect(await database.rows('select id from node')).toEqual([{ id: 6000 }]);
    },
  );

  test('references that are deleted along are refused, since they would leave others unreferenced', async () => {
    await database.rows(`
      create table node (id integer primary key, at timestamptz not null);
      create table product (id integer primary key, node_id integer references node on delete cascade, other_id integer);
      insert into node values (1, now() - interval '9 days'), (2, now() - interval '9 days');
      insert into product values (1, 1, 2)`);
    const policy = makePolicy(
      deleteUnreferenced({
        name: 'unused',
        entity: Node,
        age: 'at',
        references: [softReference({ entity: Product, by: 'otherId' })],
        ignore: [Product],
      }),
    );
    await expect(runEngine(database.url, policy)).rejects.toThrow(
      /rows of product are deleted along with rows of Node and also reference others of it/,
    );
    expect(await database.value('select count(*) from node')).toBe(2);
  });
});
