import { describe, expect, it } from '@jest/globals';

import type { RowTree, StoredReference } from '../../../../activities/stored/row-tree.ts';
import type { DialectHarness } from './item-database.ts';
import { LIMITS, useItemDatabase } from './item-database.ts';

export function describePreviews(open: () => Promise<DialectHarness>): void {
  describe('previews', () => {
    const db = useItemDatabase(open);

    it('previews what one pass after another would delete, cascades included, and deletes nothing', async () => {
      await db.fillItems(12);
      await db.harness.execute('insert into child (id, item_id) values (1, 1), (2, 12)');
      const counts = await db.harness.session.snapshot(LIMITS, async (tx) => {
        const catalog = await tx.facts.readCatalog([{ schema: undefined, name: 'item' }]);
        const query = tx.startPreview(catalog, undefined);
        const cascades = [{ from: -1, table: db.table('child'), on: [{ child: 'item_id', parent: 'id' }] }];
        for (const pass of ['first', 'second']) {
          query.startPass(pass);
          const where = db.older(query.view);
          query.addDeleted({
            tree: { table: db.item, cascades },
            where,
            notHeld: undefined,
            notReferenced: undefined,
            ages: [db.columns.at],
          });
        }
        return query.count();
      });
      const deleted = counts
        .filter(({ what }) => what === 'deleted')
        .map(({ pass, label, value }) => [pass, label, value]);
      expect(deleted).toEqual([
        ['first', 'item', 10],
        ['first', 'child', 1],
        ['second', 'item', 0],
        ['second', 'child', 0],
      ]);
      expect(await db.remaining()).toBe(12);
    });

    /** Rows of `note` reference items and stay; items name others by `parent_id`, as by a foreign key. */
    function makeBlockedTree(): RowTree {
      const named = (of: string, by: string): StoredReference => {
        return { table: db.table(of), on: [{ child: by, parent: 'id' }], indexed: true };
      };
      return {
        table: db.item,
        cascades: [],
        blockers: [
          { name: 'note_item', reference: named('note', 'item_id'), path: [], ways: [] },
          { name: 'item_parent', reference: named('item', 'parent_id'), path: [], ways: [[]] },
        ],
      };
    }

    it('tells rows apart that others reference which stay, for a delete as for a preview', async () => {
      await db.fillItems(12);
      // 12 is too young and names 3; 8 names 7, which a note references; 6, 5 and 4 are a chain.
      await db.harness.execute('insert into note (id, item_id) values (1, 8)');
      for (const [id, parent] of [
        [12, 3],
        [3, 2],
        [8, 7],
        [6, 5],
        [5, 4],
      ]) {
        await db.harness.execute(`update item set parent_id = ${parent} where id = ${id}`);
      }
      const tree = makeBlockedTree();
      const free = await db.inTx(async (tx, view) => {
        const parts = [db.older(view), view.isNotReferenced(tree) ?? db.older(view)];
        const deletable = view.all(parts);
        const chained = view.isNotChained(tree, deletable, 100) ?? deletable;
        const keys = Array.from({ length: 12 }, (_, n) => String(n + 1));
        const found = await tx.rows.filterKeys(db.item, db.columns.id, keys, view.all([deletable, chained]));
        const [four, two] = [
          await tx.rows.find(db.item, db.columns.id, '4'),
          await tx.rows.find(db.item, db.columns.id, '2'),
        ];
        const chain = await tx.rows.findChain(
          tree,
          deletable,
          [four?.location ?? '', two?.location ?? ''],
          100,
        );
        // 4, 5, 6 and 2, 3; what 3 needs is too young.
        expect(chain.map(({ needs }) => needs.length).toSorted((a, b) => a - b)).toEqual([0, 1, 1, 1, 1]);
        const locked = await tx.rows.lockAt(
          db.item,
          chain.map(({ location }) => location),
          deletable,
          db.columns.id,
        );
        expect(locked.map(({ key }) => key).toSorted((a, b) => Number(a) - Number(b))).toEqual([
          '2',
          '3',
          '4',
          '5',
          '6',
        ]);
        return [...found].map(Number).toSorted((a, b) => a - b);
      });
      expect(free).toEqual([1, 4, 5, 6, 9, 10]);
      const counts = await db.harness.session.snapshot(LIMITS, async (tx) => {
        const catalog = await tx.facts.readCatalog([{ schema: undefined, name: 'item' }]);
        const query = tx.startPreview(catalog, undefined);
        query.startPass('only');
        query.addDeleted({
          tree,
          where: db.older(query.view),
          notHeld: undefined,
          notReferenced: query.view.isNotReferenced(tree),
          ages: [db.columns.at],
        });
        return query.count();
      });
      const sum = (of: string): number =>
        counts.filter(({ what }) => what === of).reduce((total, { value }) => total + (value ?? 0), 0);
      expect([sum('deleted'), sum('blocked')]).toEqual([6, 4]);
    });
  });
}
