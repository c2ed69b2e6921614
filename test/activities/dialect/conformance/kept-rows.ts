import { describe, expect, it } from '@jest/globals';

import type { DialectHarness } from './item-database.ts';
import { HORIZON, useItemDatabase } from './item-database.ts';

export function describeKeptRows(open: () => Promise<DialectHarness>): void {
  describe('rows that stay', () => {
    const db = useItemDatabase(open);

    it('keeps what a hold names, and what would delete it along', async () => {
      await db.fillItems(3);
      await db.harness.execute('insert into child (id, item_id) values (7, 2)');
      const hold = { reason: 'a claim', who: 'somebody', until: null };
      await db.harness.session.ledger.holds.insert({
        ...hold,
        entity: 'Item',
        table: db.item,
        rows: { key: '1', column: db.columns.id },
      });
      await db.harness.session.ledger.holds.insert({
        ...hold,
        entity: 'Child',
        table: db.table('child'),
        rows: { key: '7', column: db.columns.id },
      });
      const cascades = [{ from: -1, table: db.table('child'), on: [{ child: 'item_id', parent: 'id' }] }];
      const shard = await db.planShard('by-location');
      await db.inTx(async (tx) => {
        const { holds } = await tx.batchLock.lockShard('shard', 'run', []);
        const view = tx.view({ holds });
        const notHeld = view.isNotHeld({ table: db.item, cascades });
        if (notHeld === undefined) throw new Error('no hold is seen');
        const where = view.all([db.older(view), notHeld]);
        await tx.scan.deleteRange({ table: db.item, age: db.columns.at, where }, db.step(shard, null, 100));
      });
      expect(await db.harness.value('select sum(id) from item')).toBe(3);
    });

    it('keeps the newest rows of each group, by the list of a run', async () => {
      await db.fillItems(8);
      await db.harness.execute('update item set parent_id = id % 2');
      const expiry = {
        table: db.item,
        key: db.columns.id,
        ages: [db.columns.at] as const,
        horizon: HORIZON,
        where: { text: 'true', values: [], selects: false },
        retentions: [{ where: null, horizon: HORIZON, keep: { count: 1, per: [db.columns.parentId] } }],
      };
      const list = { run: await db.startRun(), pass: 0 };
      await db.harness.session.ledger.keptRows.write(list.run, list.pass, expiry);
      for (const scan of ['by-location', 'by-age'] as const) {
        const shard = await db.planShard(scan);
        await db.inTx(async (tx) => {
          const where = tx.view({ keepLast: list }).isExpired(expiry);
          const target = { table: db.item, age: db.columns.at, where, keeps: { expiry, list } };
          await tx.scan.deleteRange(target, db.step(shard, null, 100));
        });
        expect([await db.remaining(), await db.harness.value('select min(id) from item')]).toEqual([2, 7]);
      }
      // Once one of the newest is deleted, nothing else of its group is.
      await db.harness.execute('delete from item where id = 7');
      await db.harness.execute(
        `insert into item (id, parent_id, state, at) select 20, 1, state, at from item where id = 8`,
      );
      const shard = await db.planShard('by-location');
      await db.inTx(async (tx) => {
        const where = tx.view({ keepLast: list }).isExpired(expiry);
        const target = { table: db.item, age: db.columns.at, where, keeps: { expiry, list } };
        await tx.scan.deleteRange(target, db.step(shard, null, 100));
      });
      expect(await db.remaining()).toBe(2);
    });
  });
}
