import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { softChild } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { Child, createItems, expiring, Item, makePolicy } from '../../support/items.ts';
import { runAsPreviewed } from '../../support/truth.ts';

describe('soft children without an index on the key of their row', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createItems();
    await database.rows(
      'create table child (id integer primary key, item_id integer, at timestamptz not null)',
    );
    await database.rows(
      `insert into item (id, at) select n, now() - n * interval '1 hour' from generate_series(1, 100) as n`,
    );
    await database.rows(
      `insert into child select n, n % 150, now() - interval '50 hours' from generate_series(1, 3000) as n`,
    );
  });
  afterEach(async () => database.drop());

  const old = expiring({ with: [softChild({ entity: Child, by: 'itemId' })] });
  const lost = deleteOrphans({
    name: 'lost',
    entity: Child,
    by: 'itemId',
    parent: Item,
    age: 'at',
    grace: '1 day',
  });

  test('are left to a later pass for orphans, which reads their table once', async () => {
    const deleted = await runAsPreviewed(database.url, makePolicy(old, lost));
    expect(deleted).toEqual({ old: { item: 77 }, lost: { child: 77 * 20 + 50 * 20 } });
    const strategies = await database.rows('select scan from vacuum.pass order by ordinal');
    expect(strategies).toEqual([{ scan: 'by-location' }, { scan: 'by-location' }]);
  });

  test.each(['', 'create index on child (item_id)'])(
    'keep their row while a hold names one of them or what cascades from it: %s',
    async (index) => {
      await database.rows(`
        create table toy (id integer primary key, child_id integer references child on delete cascade);
        insert into toy values (1, 82);
        ${index}`);
      const policy = makePolicy(old, lost);
      const open = await openDatabase(database.url);
      const asked = { reason: 'a lawsuit', who: 'ann', until: null };
      await addHold(open, policy, { entity: 'Child', rows: { key: '80' }, ...asked });
      await addHold(open, policy, { entity: 'Child', rows: { filter: { id: 81 } }, ...asked });
      await open.close();
      await runAsPreviewed(database.url, policy);
      // Items 24 to 100 are old; children 80 and 81 are of items of the same number.
      expect(await database.rows('select id from item where id > 23 order by id')).toEqual([
        { id: 80 },
        { id: 81 },
      ]);
      const left = await database.value('select count(*) from child where id in (80, 81)');
      expect(left).toBe(2);
    },
  );

  test.each(['no action', 'set null', 'cascade'])(
    'go with their row where a foreign key with on delete %s would cut or forbid it',
    async (action) => {
      await database.rows(
        `alter table child add foreign key (item_id) references item on delete ${action} not valid`,
      );
      expect(await runAsPreviewed(database.url, makePolicy(old, lost))).toMatchObject({
        old: { item: 77, child: 77 * 20 },
      });
    },
  );

  test('go with their row where the later pass would not find those without an age', async () => {
    await database.rows('alter table child alter at drop not null');
    await database.rows('update child set at = null where id <= 100');
    expect(await runAsPreviewed(database.url, makePolicy(old, lost))).toMatchObject({
      old: { item: 77, child: 77 * 20 },
    });
  });

  test('go with their row where no such pass follows', async () => {
    const filtered = { ...lost, where: { id: { $gt: 0 } } };
    expect(await runAsPreviewed(database.url, makePolicy(old))).toEqual({
      old: { item: 77, child: 77 * 20 },
    });
    await database.rows(`update item set at = now() - interval '3 days'`);
    expect(await runAsPreviewed(database.url, makePolicy(old, filtered))).toMatchObject({
      old: { item: 23, child: 23 * 20 },
    });
  });

  test('go with their row if the index is there, and not if it is invalid', async () => {
    await database.rows('create index child_item on child (item_id)');
    await database.rows(`update pg_index set indisvalid = false where indexrelid = 'child_item'::regclass`);
    await database.rows(`update item set at = now() where id < 60`);
    expect(await runAsPreviewed(database.url, makePolicy(old, lost))).toMatchObject({ old: { item: 41 } });
    await database.rows(`update pg_index set indisvalid = true where indexrelid = 'child_item'::regclass`);
    await database.rows('reindex index child_item');
    await database.rows(`update item set at = now() - interval '3 days' where id < 60`);
    expect(await runAsPreviewed(database.url, makePolicy(old, lost))).toEqual({
      old: { item: 59, child: 59 * 20 },
      lost: {},
    });
  });

  test('only orphans that match a filter go', async () => {
    const filtered = { ...lost, where: { id: { $lte: 1000 } } };
    expect(await runAsPreviewed(database.url, makePolicy(filtered))).toEqual({ lost: { child: 300 } });
    expect(
      await database.value(
        'select count(*) from child where id > 1000 and item_id not in (select id from item)',
      ),
    ).toBe(700);
  });
});
