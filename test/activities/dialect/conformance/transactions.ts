import { describe, expect, it } from '@jest/globals';

import type { Tx } from '../../../../activities/dialect/dialect.ts';
import type { View } from '../../../../activities/dialect/view.ts';
import type { DialectHarness } from './item-database.ts';
import { LIMITS, useItemDatabase } from './item-database.ts';

export function describeTransactions(open: () => Promise<DialectHarness>): void {
  describe('transactions', () => {
    const db = useItemDatabase(open);

    it('commits what returns and rolls back what throws', async () => {
      await db.fillItems(2);
      const remove = async (tx: Tx, view: View): Promise<void> => {
        const found = await tx.rows.find(db.item, db.columns.id, '1');
        await tx.rows.deleteAt(db.item, [found?.location ?? ''], db.older(view));
      };
      await expect(
        db.inTx(async (tx, view) => {
          await remove(tx, view);
          throw new Error('undo');
        }),
      ).rejects.toThrow('undo');
      expect(await db.remaining()).toBe(2);
      await db.inTx(remove);
      expect(await db.remaining()).toBe(1);
    });

    it('undoes a savepoint without ending the transaction', async () => {
      await db.fillItems(2);
      await db.inTx(async (tx) => {
        await expect(
          tx.tryAndUndo(async () => tx.rows.find(db.table('nowhere'), db.columns.id, '1')),
        ).rejects.toThrow(/nowhere/);
        expect(await tx.rows.find(db.item, db.columns.id, '2')).toMatchObject({ key: '2' });
      });
    });

    it('reads one instant in a snapshot, whatever others write meanwhile', async () => {
      await db.fillItems(2);
      const counts = await db.harness.session.snapshot(LIMITS, async (tx) => {
        const before = await tx.tables.countUpTo(db.item, 100);
        await db.harness.execute('delete from item where id = 1');
        return [before, await tx.tables.countUpTo(db.item, 100)];
      });
      expect(counts).toEqual([2, 2]);
      expect(await db.remaining()).toBe(1);
    });

    it('shows a key for as long as somebody holds it', async () => {
      expect(await db.harness.session.isKeyHeld('a key')).toBe(false);
      const release = await db.harness.session.holdKey('a key');
      expect(await db.harness.session.isKeyHeld('a key')).toBe(true);
      expect(await db.harness.session.isKeyHeld('another')).toBe(false);
      await release();
      expect(await db.harness.session.isKeyHeld('a key')).toBe(false);
    });
  });
}
