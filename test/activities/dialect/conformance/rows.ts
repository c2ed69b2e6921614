import { describe, expect, it } from '@jest/globals';

import type { StoredPointer } from '../../../../activities/stored/row-tree.ts';
import type { DialectHarness } from './item-database.ts';
import { useItemDatabase } from './item-database.ts';

export function describeRows(open: () => Promise<DialectHarness>): void {
  describe('rows', () => {
    const db = useItemDatabase(open);

    it('counts dependents, and deletes them with their row', async () => {
      await db.fillItems(2);
      await db.harness.execute('insert into child (id, item_id) values (1, 1), (2, 1), (3, 2)');
      await db.harness.execute('insert into note (id, item_id) values (1, 1)');
      const child = { from: -1, table: db.table('child'), on: [{ child: 'item_id', parent: 'id' }] };
      const by = { name: 'item_id', type: db.harness.types.integer };
      await db.inTx(async (tx, view) => {
        const found = await tx.rows.find(db.item, db.columns.id, '1');
        const locations = [found?.location ?? ''];
        const note = {
          table: db.table('note'),
          by,
          parentKey: db.columns.id,
          beforeParent: false,
          pointers: [],
          cascades: [],
        };
        const tree = { table: db.item, cascades: [child], key: db.columns.id, children: [note] };
        expect(await tx.rows.countDependents(tree, locations, 100)).toEqual([4]);
        const deleted = await tx.rows.deleteAt(db.item, locations, db.older(view), [db.columns.id]);
        expect(deleted).toEqual({ rows: 1, groups: [['1']] });
        const owned = await tx.rows.deleteOwned({
          table: db.table('note'),
          by,
          keys: ['1'],
          key: db.columns.id,
        });
        expect(owned.rows).toBe(1);
      });
      expect([await db.remaining(), await db.remaining('child'), await db.remaining('note')]).toEqual([
        1, 1, 0,
      ]);
    });

    it('judges a row again when it deletes it', async () => {
      await db.fillItems(1);
      await db.inTx(async (tx, view) => {
        const found = await tx.rows.find(db.item, db.columns.id, '1');
        const young = view.isOlder(db.columns.at, '2023-01-01T00:00:00.000Z');
        const deleted = await tx.rows.deleteAt(db.item, [found?.location ?? ''], young);
        expect(deleted.rows).toBe(0);
      });
      expect(await db.remaining()).toBe(1);
    });

    it('moves a pointer to the newest survivor and deletes one without any', async () => {
      await db.fillItems(3);
      await db.harness.execute('insert into latest (id, grp, item_id) values (1, 1, 99), (2, 7, 98)');
      await db.harness.execute('update item set parent_id = 1');
      const { integer } = db.harness.types;
      const pointer: StoredPointer = {
        holder: db.table('latest'),
        pointer: { name: 'item_id', type: integer },
        holderGroup: { name: 'grp', type: integer },
        target: db.item,
        targetKey: db.columns.id,
        targetGroup: db.columns.parentId,
        newest: db.columns.at,
        copy: [],
        cascades: [],
      };
      await db.inTx(async (tx) => {
        const locations = await tx.rows.lockHolders(pointer, ['1', '7']);
        expect(await tx.rows.repointHolders(pointer, locations, undefined)).toBe(1);
      });
      expect(await db.harness.value('select item_id from latest where id = 1')).toBe(3);
      expect(await db.remaining('latest')).toBe(1);
    });

    it('explains each part of a condition on a row', async () => {
      await db.fillItems(1);
      const evaluated = await db.inTx(async (tx, view) => {
        const found = await tx.rows.find(db.item, db.columns.id, '1');
        const parts = [{ test: db.older(view) }, { test: view.isNull(db.columns.at) }];
        return tx.rows.evaluate(
          db.item,
          found?.location ?? '',
          view.all(parts.map(({ test }) => test)),
          parts,
        );
      });
      expect(evaluated).toMatchObject({ deletable: false, parts: [{ holds: true }, { holds: false }] });
    });
  });
}
