import { describe, expect, it } from '@jest/globals';

import type { ScanStep } from '../../../../activities/dialect/scan.ts';
import type { DialectHarness } from './item-database.ts';
import { useItemDatabase } from './item-database.ts';

export function describeScans(open: () => Promise<DialectHarness>): void {
  describe('scans', () => {
    const db = useItemDatabase(open);

    it.each(['by-location', 'by-age'] as const)(
      'deletes batch after batch %s, up to the horizon and not beyond',
      async (scan) => {
        await db.fillItems(12);
        const shard = await db.planShard(scan);
        let cursor: ScanStep['cursor'] = null;
        const batches: number[] = [];
        for (let done = false; !done;) {
          const found = await db.inTx(async (tx, view) => {
            const target = { table: db.item, age: db.columns.at, where: db.older(view) };
            return tx.scan.deleteRange(target, db.step(shard, cursor, 4), db.columns.id);
          });
          batches.push(found.rows);
          expect(found.keys).toHaveLength(found.rows);
          ({ cursor, done } = found);
        }
        expect(batches.reduce((sum, rows) => sum + rows)).toBe(10);
        expect(Math.max(...batches)).toBe(4);
        // The row of the horizon itself is the first that stays.
        expect(await db.harness.value('select min(id) from item')).toBe(11);
      },
    );

    it.each(['by-location', 'by-age'] as const)(
      'locks rows %s and goes on after any of them',
      async (scan) => {
        await db.fillItems(12);
        const shard = await db.planShard(scan);
        const keys = await db.inTx(async (tx, view) => {
          const target = { table: db.item, age: db.columns.at, where: db.older(view) };
          const locked = await tx.scan.lockRange(target, db.step(shard, null, 3), db.columns.id);
          expect(locked).toMatchObject({ keys: ['1', '2', '3'], candidates: 3, ranks: [1, 2, 3] });
          const next = await tx.scan.lockRange(
            target,
            db.step(shard, locked.cursorAfter(0), 3),
            db.columns.id,
          );
          return next.keys;
        });
        expect(keys).toEqual(['2', '3', '4']);
      },
    );

    it('reads rows without changing them, with the age of the oldest', async () => {
      await db.fillItems(12);
      const shard = await db.planShard('by-age');
      const found = await db.inTx(async (tx, view) =>
        tx.scan.readRange(
          { table: db.item, age: db.columns.at, where: db.older(view) },
          db.step(shard, null, 5),
          db.columns.id,
        ),
      );
      expect(found).toMatchObject({
        rows: 5,
        keys: ['1', '2', '3', '4', '5'],
        oldest: Date.UTC(2024, 0, 1),
        done: false,
      });
      expect(await db.remaining()).toBe(12);
    });

    it.each(['by-location', 'by-parent-key'] as const)(
      'deletes orphans %s and nothing with a parent',
      async (scan) => {
        await db.harness.execute('insert into parent (id) values (1)');
        await db.fillItems(6, '1');
        await db.harness.execute('update item set parent_id = 2 where id in (2, 4)');
        await db.harness.execute('update item set parent_id = null where id = 6');
        const reference = {
          table: db.item,
          by: db.columns.parentId,
          parent: db.table('parent'),
          parentKey: db.columns.id,
        };
        const shard = await db.planShard(scan);
        const deleted = await db.inTx(async (tx, view) => {
          const target = {
            ...reference,
            where: view.all([db.older(view), view.isNotNull(db.columns.parentId)]),
          };
          const range = await tx.scan.findOrphans(target, db.step(shard, null, 100));
          return tx.scan.deleteOrphans(target, range);
        });
        expect(deleted).toBe(2);
        expect(await db.harness.value('select count(*) from item where id in (1, 3, 5, 6)')).toBe(4);
      },
    );
  });
}
