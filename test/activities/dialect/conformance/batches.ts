import { describe, expect, it } from '@jest/globals';

import type { DialectHarness } from './item-database.ts';
import { useItemDatabase } from './item-database.ts';

export function describeBatches(open: () => Promise<DialectHarness>): void {
  describe('batches', () => {
    const db = useItemDatabase(open);

    /** One attempt of the first batch of a shard; undefined if another one did it. */
    async function tryBatch(run: number, meanwhile?: () => Promise<void>): Promise<number | undefined> {
      class ShardBusy extends Error {}
      return db
        .inTx(async (tx, view) => {
          const { locked, counters } = await tx.batchLock.lockShard('shard', 'run', [
            db.item,
            db.table('child'),
          ]);
          if (!locked) throw new ShardBusy();
          const target = { table: db.item, age: db.columns.at, where: db.older(view) };
          await tx.scan.deleteRange(target, db.step(await db.planShard('by-location'), null, 100));
          await meanwhile?.();
          const key = { run, pass: 0, shard: 0, sequence: 1, round: 1, size: 100, counters };
          const rows = await tx.ledger.batches.record(key, {
            cursor: null,
            done: true,
            skipped: 0,
            moved: 0,
          });
          if (rows === undefined) throw new ShardBusy();
          return rows;
        })
        .catch((error: unknown) => {
          if (error instanceof ShardBusy) return undefined;
          throw error;
        });
    }

    it('goes on after a part of a batch failed, and counts nothing of it', async () => {
      await db.fillItems(4);
      const run = await db.startRun();
      const rows = await db.inTx(async (tx, view) => {
        const { counters } = await tx.batchLock.lockShard('shard', 'run', [db.item]);
        const remove = async (id: string): Promise<void> => {
          const found = await tx.rows.find(db.item, db.columns.id, id);
          await tx.rows.deleteAt(db.item, [found?.location ?? ''], db.older(view));
        };
        await remove('1');
        const failing = tx.batchLock.attempt(
          counters,
          async () => {
            await remove('2');
            throw new Error('no');
          },
          false,
        );
        await expect(failing).rejects.toThrow('no');
        await tx.batchLock.attempt(counters, async () => remove('3'), false);
        const key = { run, pass: 0, shard: 0, sequence: 1, round: 1, size: 100, counters };
        return tx.ledger.batches.record(key, { cursor: null, done: true, skipped: 0, moved: 0, blocked: 1 });
      });
      expect(rows).toBe(2);
      expect(await db.remaining()).toBe(2);
    });

    it('lets one of two attempts at the same batch commit, and counts what it deleted, cascades included', async () => {
      await db.fillItems(12);
      await db.harness.execute('insert into child (id, item_id) values (1, 1), (2, 2), (3, 12)');
      const run = await db.startRun();
      // The second starts while the first is at work.
      const working = Promise.withResolvers<void>();
      const second = working.promise.then(async () => tryBatch(run));
      const first = tryBatch(run, async () => {
        working.resolve();
        await db.harness.session.facts.readClock();
      });
      const rows = await Promise.all([first, second]);
      expect(rows.filter((counted) => counted !== undefined)).toEqual([12]);
      expect([await db.remaining(), await db.remaining('child')]).toEqual([2, 1]);
      const totals = await db.harness.session.ledger.batches.sumRound({ run, pass: 0, shard: 0 }, 1);
      expect(totals).toMatchObject({ batches: 1, rows: 12 });
    });

    it('writes no batch of a run that is closed', async () => {
      await db.fillItems(12);
      const run = await db.startRun();
      expect(await db.harness.session.ledger.runs.close(run, 'cancelled', [])).toBe(true);
      expect(await db.harness.session.ledger.runs.close(run, 'cancelled', [])).toBe(false);
      expect(await tryBatch(run)).toBeUndefined();
      expect(await db.remaining()).toBe(12);
    });

    it('keeps one open run of a policy', async () => {
      await db.startRun();
      await expect(db.startRun()).rejects.toThrow('busy');
    });
  });
}
