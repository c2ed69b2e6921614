import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Session, Tx } from '../../../activities/dialect/dialect.ts';
import type { ScanStep } from '../../../activities/dialect/scan.ts';
import type { Condition, View } from '../../../activities/dialect/view.ts';
import type { ColumnName, TableName } from '../../../activities/stored/columns.ts';
import type { RowTree, StoredPointer, StoredReference } from '../../../activities/stored/pass.ts';
import type { Shard } from '../../../activities/stored/scan.ts';

/** A database of one test, with the tables of {@link SCHEMA} that the dialect makes in its own types. */
export interface DialectHarness {
  readonly session: Session;
  /** Runs statements that every dialect understands, past the seam. */
  execute(sql: string): Promise<void>;
  /** The only value of a statement. */
  value(sql: string): Promise<number>;
  readonly schema: string;
  /** The types of the columns, as the dialect writes them. */
  readonly types: { readonly integer: string; readonly instant: string; readonly text: string };
  close(): Promise<void>;
}

const LIMITS = { lockMillis: 5_000, statementMillis: 30_000 };
const HORIZON = '2024-01-11T00:00:00.000Z';

/**
 * What every dialect must do, over one schema: `parent(id)`, `item(id, parent_id, state, at)` with an index on `at` and one
 * on `parent_id`, `child(id, item_id)` whose foreign key cascades, `note(id, item_id)` without a foreign key, and
 * `latest(id, grp, item_id)`. The harness makes them empty.
 */
export function describeDialect(name: string, open: () => Promise<DialectHarness>): void {
  describe(`dialect ${name}`, () => {
    let harness: DialectHarness;
    let item: TableName;
    let columns: Record<'id' | 'parentId' | 'state' | 'at', ColumnName>;

    beforeEach(async () => {
      harness = await open();
      const { integer, instant, text } = harness.types;
      item = table('item');
      columns = {
        id: { name: 'id', type: integer },
        parentId: { name: 'parent_id', type: integer },
        state: { name: 'state', type: text },
        at: { name: 'at', type: instant },
      };
    });
    afterEach(async () => harness.close());

    function table(of: string): TableName {
      return { schema: harness.schema, name: of, label: of };
    }

    /** Items 1..n, one a day from 2024-01-01 on. */
    async function fillItems(count: number, parent = 'null'): Promise<void> {
      for (let id = 1; id <= count; id += 1) {
        const day = new Date(Date.UTC(2024, 0, id)).toISOString().slice(0, 10);
        await harness.execute(
          `insert into item (id, parent_id, state, at) values (${id}, ${parent}, 'done', '${day} 00:00:00+00:00')`,
        );
      }
    }

    async function remaining(of = 'item'): Promise<number> {
      return harness.value(`select count(*) from ${of}`);
    }

    async function inTx<T>(work: (tx: Tx, view: View) => Promise<T>): Promise<T> {
      return harness.session.transaction(LIMITS, async (tx) => work(tx, tx.view()));
    }

    function older(view: View): Condition {
      return view.isOlder(columns.at, HORIZON);
    }

    async function planShard(scan: Shard['scan']): Promise<Shard> {
      switch (scan) {
        case 'by-age':
          return { scan, from: null, until: HORIZON, oldest: null };
        case 'by-parent-key':
          return { scan, after: null, until: null };
        case 'by-location':
        case 'tables':
        case 'files':
          return { scan: 'by-location', fromPage: 0, untilPage: 1, open: true, rowsPerPage: 50 };
      }
    }

    function step(shard: Shard, cursor: ScanStep['cursor'], limit: number): ScanStep {
      return { shard, cursor, limit, exact: true, readFactor: 1 };
    }

    it('commits what returns and rolls back what throws', async () => {
      await fillItems(2);
      const remove = async (tx: Tx, view: View): Promise<void> => {
        const found = await tx.rows.find(item, columns.id, '1');
        await tx.rows.deleteAt(item, [found?.location ?? ''], older(view));
      };
      await expect(
        inTx(async (tx, view) => {
          await remove(tx, view);
          throw new Error('undo');
        }),
      ).rejects.toThrow('undo');
      expect(await remaining()).toBe(2);
      await inTx(remove);
      expect(await remaining()).toBe(1);
    });

    it('undoes a savepoint without ending the transaction', async () => {
      await fillItems(2);
      await inTx(async (tx) => {
        await expect(
          tx.tryAndUndo(async () => tx.rows.find(table('nowhere'), columns.id, '1')),
        ).rejects.toThrow(/nowhere/);
        expect(await tx.rows.find(item, columns.id, '2')).toMatchObject({ key: '2' });
      });
    });

    it.each(['by-location', 'by-age'] as const)(
      'deletes batch after batch %s, up to the horizon and not beyond',
      async (scan) => {
        await fillItems(12);
        const shard = await planShard(scan);
        let cursor: ScanStep['cursor'] = null;
        const batches: number[] = [];
        for (let done = false; !done;) {
          const found = await inTx(async (tx, view) => {
            const target = { table: item, age: columns.at, where: older(view) };
            return tx.scan.deleteRange(target, step(shard, cursor, 4), columns.id);
          });
          batches.push(found.rows);
          expect(found.keys).toHaveLength(found.rows);
          ({ cursor, done } = found);
        }
        expect(batches.reduce((sum, rows) => sum + rows)).toBe(10);
        expect(Math.max(...batches)).toBe(4);
        // The row of the horizon itself is the first that stays.
        expect(await harness.value('select min(id) from item')).toBe(11);
      },
    );

    it.each(['by-location', 'by-age'] as const)(
      'locks rows %s and goes on after any of them',
      async (scan) => {
        await fillItems(12);
        const shard = await planShard(scan);
        const keys = await inTx(async (tx, view) => {
          const target = { table: item, age: columns.at, where: older(view) };
          const locked = await tx.scan.lockRange(target, step(shard, null, 3), columns.id);
          expect(locked).toMatchObject({ keys: ['1', '2', '3'], candidates: 3, ranks: [1, 2, 3] });
          const next = await tx.scan.lockRange(target, step(shard, locked.cursorAfter(0), 3), columns.id);
          return next.keys;
        });
        expect(keys).toEqual(['2', '3', '4']);
      },
    );

    it('reads rows without changing them, with the age of the oldest', async () => {
      await fillItems(12);
      const shard = await planShard('by-age');
      const found = await inTx(async (tx, view) =>
        tx.scan.readRange(
          { table: item, age: columns.at, where: older(view) },
          step(shard, null, 5),
          columns.id,
        ),
      );
      expect(found).toMatchObject({
        rows: 5,
        keys: ['1', '2', '3', '4', '5'],
        oldest: Date.UTC(2024, 0, 1),
        done: false,
      });
      expect(await remaining()).toBe(12);
    });

    it.each(['by-location', 'by-parent-key'] as const)(
      'deletes orphans %s and nothing with a parent',
      async (scan) => {
        await harness.execute('insert into parent (id) values (1)');
        await fillItems(6, '1');
        await harness.execute('update item set parent_id = 2 where id in (2, 4)');
        await harness.execute('update item set parent_id = null where id = 6');
        const reference = {
          table: item,
          by: columns.parentId,
          parent: table('parent'),
          parentKey: columns.id,
        };
        const shard = await planShard(scan);
        const deleted = await inTx(async (tx, view) => {
          const target = { ...reference, where: view.all([older(view), view.isNotNull(columns.parentId)]) };
          const range = await tx.scan.findOrphans(target, step(shard, null, 100));
          return tx.scan.deleteOrphans(target, range);
        });
        expect(deleted).toBe(2);
        expect(await harness.value('select count(*) from item where id in (1, 3, 5, 6)')).toBe(4);
      },
    );

    it('counts dependents, and deletes them with their row', async () => {
      await fillItems(2);
      await harness.execute('insert into child (id, item_id) values (1, 1), (2, 1), (3, 2)');
      await harness.execute('insert into note (id, item_id) values (1, 1)');
      const child = { from: -1, table: table('child'), on: [{ child: 'item_id', parent: 'id' }] };
      const by = { name: 'item_id', type: harness.types.integer };
      await inTx(async (tx, view) => {
        const found = await tx.rows.find(item, columns.id, '1');
        const locations = [found?.location ?? ''];
        const note = {
          table: table('note'),
          by,
          parentKey: columns.id,
          beforeParent: false,
          pointers: [],
          cascades: [],
        };
        const tree = { table: item, cascades: [child], key: columns.id, children: [note] };
        expect(await tx.rows.countDependents(tree, locations, 100)).toEqual([4]);
        const deleted = await tx.rows.deleteAt(item, locations, older(view), [columns.id]);
        expect(deleted).toEqual({ rows: 1, groups: [['1']] });
        const owned = await tx.rows.deleteOwned({ table: table('note'), by, keys: ['1'], key: columns.id });
        expect(owned.rows).toBe(1);
      });
      expect([await remaining(), await remaining('child'), await remaining('note')]).toEqual([1, 1, 0]);
    });

    it('judges a row again when it deletes it', async () => {
      await fillItems(1);
      await inTx(async (tx, view) => {
        const found = await tx.rows.find(item, columns.id, '1');
        const young = view.isOlder(columns.at, '2023-01-01T00:00:00.000Z');
        const deleted = await tx.rows.deleteAt(item, [found?.location ?? ''], young);
        expect(deleted.rows).toBe(0);
      });
      expect(await remaining()).toBe(1);
    });

    it('moves a pointer to the newest survivor and deletes one without any', async () => {
      await fillItems(3);
      await harness.execute('insert into latest (id, grp, item_id) values (1, 1, 99), (2, 7, 98)');
      await harness.execute('update item set parent_id = 1');
      const { integer } = harness.types;
      const pointer: StoredPointer = {
        holder: table('latest'),
        pointer: { name: 'item_id', type: integer },
        holderGroup: { name: 'grp', type: integer },
        target: item,
        targetKey: columns.id,
        targetGroup: columns.parentId,
        newest: columns.at,
        copy: [],
        cascades: [],
      };
      await inTx(async (tx) => {
        const locations = await tx.rows.lockHolders(pointer, ['1', '7']);
        expect(await tx.rows.repointHolders(pointer, locations, undefined)).toBe(1);
      });
      expect(await harness.value('select item_id from latest where id = 1')).toBe(3);
      expect(await remaining('latest')).toBe(1);
    });

    it('explains each part of a condition on a row', async () => {
      await fillItems(1);
      const evaluated = await inTx(async (tx, view) => {
        const found = await tx.rows.find(item, columns.id, '1');
        const parts = [{ test: older(view) }, { test: view.isNull(columns.at) }];
        return tx.rows.evaluate(item, found?.location ?? '', view.all(parts.map(({ test }) => test)), parts);
      });
      expect(evaluated).toMatchObject({ deletable: false, parts: [{ holds: true }, { holds: false }] });
    });

    it('counts and samples a table', async () => {
      await fillItems(12);
      const catalog = await harness.session.facts.readCatalog([{ schema: undefined, name: 'item' }]);
      const found = catalog.find(undefined, 'item');
      if (found === undefined) throw new Error('the catalog has no table item');
      await inTx(async (tx, view) => {
        expect(await tx.tables.countUpTo(item, 5)).toBe(5);
        expect(await tx.tables.hasRowSince(item, [columns.at], HORIZON)).toBe(true);
        expect(await tx.tables.hasRowSince(item, [columns.at], '2025-01-01T00:00:00.000Z')).toBe(false);
        const [sample] = await tx.tables.sample(found, [{ where: older(view), parts: 1 }]);
        expect(sample).toMatchObject({ rows: 10, error: 0, tableRows: 12 });
      });
    });

    it('reads columns, keys and what foreign keys do from the catalog', async () => {
      await fillItems(3);
      const catalog = await harness.session.facts.readCatalog([{ schema: undefined, name: 'item' }]);
      const found = catalog.find(undefined, 'item');
      expect(found).toMatchObject({ name: 'item', kind: 'table', primaryKey: ['id'] });
      const at = found?.columns.get('at');
      expect(at?.instantType ?? at?.type).toBe(harness.types.instant);
      const keys = found === undefined ? [] : catalog.referencesTo(found);
      expect(keys).toMatchObject([{ childColumns: ['item_id'], onDelete: 'cascade', enforced: true }]);
    });

    it('previews what one pass after another would delete, cascades included, and deletes nothing', async () => {
      await fillItems(12);
      await harness.execute('insert into child (id, item_id) values (1, 1), (2, 12)');
      const counts = await harness.session.snapshot(LIMITS, async (tx) => {
        const catalog = await tx.facts.readCatalog([{ schema: undefined, name: 'item' }]);
        const query = tx.startPreview(catalog, undefined);
        const cascades = [{ from: -1, table: table('child'), on: [{ child: 'item_id', parent: 'id' }] }];
        for (const pass of ['first', 'second']) {
          query.startPass(pass);
          const where = older(query.view);
          query.addDeleted({
            tree: { table: item, cascades },
            where,
            notHeld: undefined,
            notReferenced: undefined,
            ages: [columns.at],
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
      expect(await remaining()).toBe(12);
    });

    /** Rows of `note` reference items and stay; items name others by `parent_id`, as by a foreign key. */
    function makeBlockedTree(): RowTree {
      const named = (of: string, by: string): StoredReference => {
        return { table: table(of), on: [{ child: by, parent: 'id' }], indexed: true };
      };
      return {
        table: item,
        cascades: [],
        blockers: [
          { name: 'note_item', reference: named('note', 'item_id'), path: [], ways: [] },
          { name: 'item_parent', reference: named('item', 'parent_id'), path: [], ways: [[]] },
        ],
      };
    }

    it('tells rows apart that others reference which stay, for a delete as for a preview', async () => {
      await fillItems(12);
      // 12 is too young and names 3; 8 names 7, which a note references; 6, 5 and 4 are a chain.
      await harness.execute('insert into note (id, item_id) values (1, 8)');
      for (const [id, parent] of [
        [12, 3],
        [3, 2],
        [8, 7],
        [6, 5],
        [5, 4],
      ]) {
        await harness.execute(`update item set parent_id = ${parent} where id = ${id}`);
      }
      const tree = makeBlockedTree();
      const free = await inTx(async (tx, view) => {
        const parts = [older(view), view.isNotReferenced(tree) ?? older(view)];
        const deletable = view.all(parts);
        const chained = view.isNotChained(tree, deletable, 100) ?? deletable;
        const keys = Array.from({ length: 12 }, (_, n) => String(n + 1));
        const found = await tx.rows.filterKeys(item, columns.id, keys, view.all([deletable, chained]));
        const [four, two] = [
          await tx.rows.find(item, columns.id, '4'),
          await tx.rows.find(item, columns.id, '2'),
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
          item,
          chain.map(({ location }) => location),
          deletable,
          columns.id,
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
      const counts = await harness.session.snapshot(LIMITS, async (tx) => {
        const catalog = await tx.facts.readCatalog([{ schema: undefined, name: 'item' }]);
        const query = tx.startPreview(catalog, undefined);
        query.startPass('only');
        query.addDeleted({
          tree,
          where: older(query.view),
          notHeld: undefined,
          notReferenced: query.view.isNotReferenced(tree),
          ages: [columns.at],
        });
        return query.count();
      });
      const sum = (of: string): number =>
        counts.filter(({ what }) => what === of).reduce((total, { value }) => total + (value ?? 0), 0);
      expect([sum('deleted'), sum('blocked')]).toEqual([6, 4]);
    });

    it('goes on after a part of a batch failed, and counts nothing of it', async () => {
      await fillItems(4);
      const run = await startRun();
      const rows = await inTx(async (tx, view) => {
        const { counters } = await tx.fence.enterBatch('shard', 'run', [item]);
        const remove = async (id: string): Promise<void> => {
          const found = await tx.rows.find(item, columns.id, id);
          await tx.rows.deleteAt(item, [found?.location ?? ''], older(view));
        };
        await remove('1');
        const failing = tx.fence.attempt(counters, async () => {
          await remove('2');
          throw new Error('no');
        });
        await expect(failing).rejects.toThrow('no');
        await tx.fence.attempt(counters, async () => remove('3'));
        const key = { run, pass: 0, shard: 0, sequence: 1, round: 1, size: 100, counters };
        return tx.ledger.batches.record(key, { cursor: null, done: true, skipped: 0, moved: 0, blocked: 1 });
      });
      expect(rows).toBe(2);
      expect(await remaining()).toBe(2);
    });

    /** Starts a run with nothing but its row. */
    async function startRun(): Promise<number> {
      const settings = { plan: { policy: 'p', database: 'main', passes: [], sliceSeconds: 20 } };
      const owner = { workflowId: 'w', firstRunId: 'r', temporal: 't' };
      const run = await harness.session.ledger.runs.insert(owner, settings as never);
      if (run === undefined) throw new Error('the policy is busy');
      return run.id;
    }

    /** One attempt of the first batch of a shard; undefined if another one did it. */
    async function tryBatch(run: number, meanwhile?: () => Promise<void>): Promise<number | undefined> {
      class Fenced extends Error {}
      return inTx(async (tx, view) => {
        const { entered, counters } = await tx.fence.enterBatch('shard', 'run', [item, table('child')]);
        if (!entered) throw new Fenced();
        const target = { table: item, age: columns.at, where: older(view) };
        await tx.scan.deleteRange(target, step(await planShard('by-location'), null, 100));
        await meanwhile?.();
        const key = { run, pass: 0, shard: 0, sequence: 1, round: 1, size: 100, counters };
        const rows = await tx.ledger.batches.record(key, { cursor: null, done: true, skipped: 0, moved: 0 });
        if (rows === undefined) throw new Fenced();
        return rows;
      }).catch((error: unknown) => {
        if (error instanceof Fenced) return undefined;
        throw error;
      });
    }

    it('lets one of two attempts at the same batch commit, and counts what it deleted, cascades included', async () => {
      await fillItems(12);
      await harness.execute('insert into child (id, item_id) values (1, 1), (2, 2), (3, 12)');
      const run = await startRun();
      // The second starts while the first is at work.
      const working = Promise.withResolvers<void>();
      const second = working.promise.then(async () => tryBatch(run));
      const first = tryBatch(run, async () => {
        working.resolve();
        await harness.session.facts.readClock();
      });
      const rows = await Promise.all([first, second]);
      expect(rows.filter((counted) => counted !== undefined)).toEqual([12]);
      expect([await remaining(), await remaining('child')]).toEqual([2, 1]);
      const totals = await harness.session.ledger.batches.sumRound({ run, pass: 0, shard: 0 }, 1);
      expect(totals).toMatchObject({ batches: 1, rows: 12 });
    });

    it('writes no batch of a run that is closed', async () => {
      await fillItems(12);
      const run = await startRun();
      expect(await harness.session.ledger.runs.close(run, 'cancelled', [])).toBe(true);
      expect(await harness.session.ledger.runs.close(run, 'cancelled', [])).toBe(false);
      expect(await tryBatch(run)).toBeUndefined();
      expect(await remaining()).toBe(12);
    });

    it('keeps one open run of a policy', async () => {
      await startRun();
      await expect(startRun()).rejects.toThrow('busy');
    });

    it('shows a key for as long as somebody holds it', async () => {
      expect(await harness.session.isKeyHeld('a key')).toBe(false);
      const release = await harness.session.holdKey('a key');
      expect(await harness.session.isKeyHeld('a key')).toBe(true);
      expect(await harness.session.isKeyHeld('another')).toBe(false);
      await release();
      expect(await harness.session.isKeyHeld('a key')).toBe(false);
    });

    it('reads one instant in a snapshot, whatever others write meanwhile', async () => {
      await fillItems(2);
      const counts = await harness.session.snapshot(LIMITS, async (tx) => {
        const before = await tx.tables.countUpTo(item, 100);
        await harness.execute('delete from item where id = 1');
        return [before, await tx.tables.countUpTo(item, 100)];
      });
      expect(counts).toEqual([2, 2]);
      expect(await remaining()).toBe(1);
    });

    it('keeps what a hold names, and what would delete it along', async () => {
      await fillItems(3);
      await harness.execute('insert into child (id, item_id) values (7, 2)');
      const hold = { reason: 'a claim', who: 'somebody', until: null };
      await harness.session.ledger.holds.insert({
        ...hold,
        entity: 'Item',
        table: item,
        rows: { key: '1', column: columns.id },
      });
      await harness.session.ledger.holds.insert({
        ...hold,
        entity: 'Child',
        table: table('child'),
        rows: { key: '7', column: columns.id },
      });
      const cascades = [{ from: -1, table: table('child'), on: [{ child: 'item_id', parent: 'id' }] }];
      const shard = await planShard('by-location');
      await inTx(async (tx) => {
        const { holds } = await tx.fence.enterBatch('shard', 'run', []);
        const view = tx.view({ holds });
        const notHeld = view.isNotHeld({ table: item, cascades });
        if (notHeld === undefined) throw new Error('no hold is seen');
        const where = view.all([older(view), notHeld]);
        await tx.scan.deleteRange({ table: item, age: columns.at, where }, step(shard, null, 100));
      });
      expect(await harness.value('select sum(id) from item')).toBe(3);
    });

    it('keeps the newest rows of each group, by the list of a run', async () => {
      await fillItems(8);
      await harness.execute('update item set parent_id = id % 2');
      const expiry = {
        table: item,
        key: columns.id,
        ages: [columns.at] as const,
        horizon: HORIZON,
        where: { text: 'true', values: [], selects: false },
        retentions: [{ where: null, horizon: HORIZON, keep: { count: 1, per: [columns.parentId] } }],
      };
      const list = { run: await startRun(), pass: 0 };
      await harness.session.ledger.keepLast.write(list.run, list.pass, expiry);
      for (const scan of ['by-location', 'by-age'] as const) {
        const shard = await planShard(scan);
        await inTx(async (tx) => {
          const where = tx.view({ keepLast: list }).isExpired(expiry);
          const target = { table: item, age: columns.at, where, keeps: { expiry, list } };
          await tx.scan.deleteRange(target, step(shard, null, 100));
        });
        expect([await remaining(), await harness.value('select min(id) from item')]).toEqual([2, 7]);
      }
      // Once one of the newest is deleted, nothing else of its group is.
      await harness.execute('delete from item where id = 7');
      await harness.execute(
        `insert into item (id, parent_id, state, at) select 20, 1, state, at from item where id = 8`,
      );
      const shard = await planShard('by-location');
      await inTx(async (tx) => {
        const where = tx.view({ keepLast: list }).isExpired(expiry);
        const target = { table: item, age: columns.at, where, keeps: { expiry, list } };
        await tx.scan.deleteRange(target, step(shard, null, 100));
      });
      expect(await remaining()).toBe(2);
    });
  });
}
