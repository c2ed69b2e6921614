import { describe, expect, it } from '@jest/globals';

import type { DialectHarness } from './item-database.ts';
import { HORIZON, useItemDatabase } from './item-database.ts';

export function describeCatalog(open: () => Promise<DialectHarness>): void {
  describe('the catalog', () => {
    const db = useItemDatabase(open);

    it('counts and samples a table', async () => {
      await db.fillItems(12);
      const catalog = await db.harness.session.facts.readCatalog([{ schema: undefined, name: 'item' }]);
      const found = catalog.find(undefined, 'item');
      if (found === undefined) throw new Error('the catalog has no table item');
      await db.inTx(async (tx, view) => {
        expect(await tx.tables.countUpTo(db.item, 5)).toBe(5);
        const later = '2025-01-01T00:00:00.000Z';
        for (const isIndexed of [false, true]) {
          expect(await tx.tables.hasRowSince(db.item, [db.columns.at], HORIZON, isIndexed)).toBe(true);
          expect(await tx.tables.hasRowSince(db.item, [db.columns.at], later, isIndexed)).toBe(false);
        }
        const [sample] = await tx.tables.sample(found, [{ where: db.older(view), parts: 1 }]);
        expect(sample).toMatchObject({ rows: 10, error: 0, tableRows: 12 });
      });
    });

    it('reads columns, keys and what foreign keys do from the catalog', async () => {
      await db.fillItems(3);
      const catalog = await db.harness.session.facts.readCatalog([{ schema: undefined, name: 'item' }]);
      const found = catalog.find(undefined, 'item');
      expect(found).toMatchObject({ name: 'item', kind: 'table', primaryKey: ['id'] });
      const at = found?.columns.get('at');
      expect(at?.instantType ?? at?.type).toBe(db.harness.types.instant);
      const keys = found === undefined ? [] : catalog.referencesTo(found);
      expect(keys).toMatchObject([{ childColumns: ['item_id'], onDelete: 'cascade', enforced: true }]);
    });
  });
}
