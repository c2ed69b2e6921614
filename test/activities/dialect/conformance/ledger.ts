import { describe, expect, it } from '@jest/globals';

import type { BatchOutcome } from '../../../../activities/steps/batch-step.ts';
import type { Backlog } from '../../../../activities/stored/backlog.ts';
import type { RunPass } from '../../../../activities/stored/run.ts';
import type { DialectHarness } from './item-database.ts';
import { useItemDatabase } from './item-database.ts';

const NOTHING = { cursor: null, done: false, skipped: 0, moved: 0 };
const backlog = (rows: number): Backlog => ({ rows, error: 0, oldestSeconds: 60, atLeast: false });

/** What the ledger is told and asked, other than by batches. */
export function describeLedger(open: () => Promise<DialectHarness>): void {
  describe('the ledger', () => {
    const db = useItemDatabase(open);

    /** An open run of one pass over the items, with a batch of two items and a child. */
    async function startPass(outcome: Partial<BatchOutcome> = {}): Promise<number> {
      const { ledger } = db.harness.session;
      const run = await db.startRun();
      const stored = {
        kind: 'expireRows',
        table: db.item,
        counted: [db.item],
        rowsPerParent: 1.5,
        horizon: null,
      };
      const plan = { scan: 'by-age', shards: [{ scan: 'by-age' }], estimate: 7 };
      const pass = { name: 'old', kind: 'expireRows', stored, plan, settingsHash: 'hash' };
      await ledger.runs.insertPass(run, 0, pass as unknown as RunPass);
      const counters = { tables: [], before: [] };
      await db.inTx(async (tx) => {
        await tx.batchLock.lockShard('shard', 'run', []);
        const key = { run, pass: 0, shard: 0, sequence: 1, round: 1, size: 100, counters, millis: 40 };
        await tx.ledger.batches.record(key, { ...NOTHING, ...outcome, dropped: { item: 2, child: 1 } });
      });
      return run;
    }

    it('tells what an open run did by its batches, and what a closed one did by its totals', async () => {
      const { ledger } = db.harness.session;
      const reported = { found: 3, resolved: 1, unresolved: { why: 2 }, oldest: null };
      const run = await startPass({ held: 4, blocked: 1, reported });
      const totals = {
        rows: 3,
        batches: 1,
        deleted: { item: 2, child: 1 },
        held: 4,
        blocked: 1,
        shards: 1,
        estimate: 7,
        reported,
      };
      expect(await ledger.reports.readPasses([run])).toMatchObject([
        { ...totals, status: 'running', longest: 40 },
      ]);
      expect(await ledger.progress.readPasses(run)).toMatchObject([
        { name: 'old', rows: 3, rowsPerParent: 1.5 },
      ]);
      expect(await ledger.progress.readShards(run)).toMatchObject([
        { pass: 0, shard: 0, round: 1, done: false, rows: 3, ownRows: 2, recentRows: 3, recentMillis: 40 },
      ]);
      expect(await ledger.batches.sumRound({ run, pass: 0, shard: 0 }, 1)).toMatchObject({
        rows: 3,
        reported,
      });
      expect(await ledger.reports.readRun(run)).toMatchObject({
        status: 'running',
        endedAt: null,
        reasons: [],
      });
      await ledger.runs.close(run, 'failed', ['why']);
      await ledger.reports.foldTotals(run, [], 90);
      expect(await ledger.reports.readPasses([run])).toMatchObject([
        { ...totals, status: 'unfinished', error: null },
      ]);
      expect(await ledger.reports.readRuns('p', 5)).toMatchObject([
        { run, status: 'failed', reasons: ['why'], longestTransactionMillis: 90 },
      ]);
      expect(await ledger.reports.readLastRuns(['p', 'other'])).toMatchObject([{ run }]);
      expect([await ledger.reports.readPasses([]), await ledger.reports.readLastRuns([])]).toEqual([[], []]);
    });

    it('keeps the backlog of each moment, and finds what the run before left', async () => {
      const { ledger } = db.harness.session;
      const first = await startPass();
      const [unmeasured] = await ledger.backlogs.findUnmeasured(first, 'after');
      expect(unmeasured).toMatchObject({ ordinal: 0, name: 'old', stored: { table: { label: 'item' } } });
      await ledger.backlogs.write(first, 0, { before: backlog(9) });
      await ledger.backlogs.write(first, 0, { after: backlog(5), keepsUp: true });
      expect(await ledger.backlogs.findUnmeasured(first, 'before')).toEqual([]);
      expect(await ledger.backlogs.readLast('p', ['old'])).toEqual(new Map());
      await ledger.runs.close(first, 'completed', []);
      await ledger.reports.foldTotals(first, [{ status: 'completed' }], 0);
      await ledger.backlogs.write(first, 0, { after: backlog(0) });
      const last = await ledger.backlogs.readLast('p', ['none', 'old']);
      expect(last.get('old')).toMatchObject({
        run: first,
        left: backlog(5),
        keepsUp: true,
        removedPerDay: null,
      });
      const second = await startPass();
      const [pass] = await ledger.backlogs.findUnmeasured(second, 'before');
      if (pass === undefined) throw new Error('the pass was measured');
      for (const which of ['the run before', 'the oldest of the last day'] as const) {
        const earlier = await ledger.backlogs.readEarlier(second, pass, which);
        expect(earlier).toMatchObject({ run: first, after: backlog(5), removed: 2 });
      }
    });

    it('remembers tables, blocks a policy until it is acknowledged, and knows what is usual', async () => {
      const { guards, reports, runs } = db.harness.session.ledger;
      const id = await startPass();
      const seen = { systemIdentifier: 's', databaseOid: '1', tables: { 'a.b"c': { oid: '7', rows: 3 } } };
      await guards.recordSeen({ id, policy: 'p' }, seen);
      const other = { ...seen, systemIdentifier: null, tables: { d: { oid: '8', rows: 0 } } };
      await guards.recordSeen({ id, policy: 'p' }, other);
      const tables = { 'a.b"c': { oid: '7', rows: 3, run: id }, d: { oid: '8', rows: 0, run: id } };
      expect(await guards.read('p')).toMatchObject({
        systemIdentifier: 's',
        tables,
        blocked: null,
        blockedAt: null,
      });
      await guards.block('p', ['looks wrong'], 4);
      await guards.block('p', ['looks wrong', 'still'], 2);
      await guards.block('q', ['too'], 1);
      expect(await guards.read('p')).toMatchObject({ knownRun: 4, blocked: ['looks wrong', 'still'] });
      expect(await guards.acknowledge('q')).toEqual([{ policy: 'q', reasons: ['too'] }]);
      expect(await guards.acknowledge(undefined)).toEqual([
        { policy: 'p', reasons: ['looks wrong', 'still'] },
      ]);
      expect(await guards.acknowledge(undefined)).toEqual([]);
      expect(await guards.read('p')).toMatchObject({
        knownRun: 4,
        blocked: null,
        tables: {},
        databaseOid: null,
      });
      await runs.close(id, 'stopped', ['stopped: limit maxRows']);
      await reports.foldTotals(id, [], 0);
      expect(await guards.sumDeleted('item', id)).toBe(2);
      expect(await guards.sumDeleted('item', id + 1)).toBe(0);
      // A limit ended it: it counts with what it was about to delete.
      expect(await guards.findMaxDeleted('p', 'old', 'item')).toBe(7);
      expect(await guards.findMaxDeleted('p', 'old', 'note')).toBeUndefined();
      expect(await guards.readPast(0)).toEqual({ lastRun: id, future: null });
    });

    it('finds a run that started in the future, and previews of the same settings alone', async () => {
      const { guards, previews, runs } = db.harness.session.ledger;
      const owner = { workflowId: 'w', firstRunId: 'x', temporal: 't' };
      const settings = { plan: { policy: 'p' } } as never;
      const [future, past] = [3_600_000, -60_000].map((millis) =>
        new Date(Date.now() + millis).toISOString(),
      );
      const run = await runs.insert(owner, settings, future ?? '');
      expect(await guards.readPast(0)).toEqual({ lastRun: run, future: run });
      expect(await guards.readPast(run ?? 0)).toEqual({ lastRun: run, future: null });
      const preview = await previews.insert(owner, 'p', past ?? '');
      const pass = {
        name: 'old',
        kind: 'expireRows',
        applicable: true,
        rows: 2,
        deleted: { item: 2 },
        moved: 0,
        held: 0,
        blocked: 0,
        plan: { scan: 'by-age', shards: [], estimate: 2 },
        reported: null,
        settingsHash: 'hash',
        files: 1,
        bytes: 0,
        horizon: null,
      };
      await previews.insertPass(preview, 0, pass as never);
      const found = await guards.findPreviewed('p', [{ name: 'old', settingsHash: 'hash' }]);
      expect(found).toMatchObject([{ pass: 'old', deleted: { item: 2 }, files: 1 }]);
      expect(await guards.findPreviewed('p', [{ name: 'old', settingsHash: 'other' }])).toEqual([]);
      expect(await guards.findPreviewed('q', [{ name: 'old', settingsHash: 'hash' }])).toEqual([]);
    });

    it('ends what was started and has no end, once', async () => {
      const { reclaims } = db.harness.session.ledger;
      const run = await startPass();
      const { reclaim } = db.harness.session;
      if (reclaim === undefined) throw new Error('the database cannot give space back');
      const entry = { run, pass: 0, table: db.item, mode: 'vacuum' } as const;
      const [done] = await reclaim.run(async (session) => [
        await session.recordStart(entry, 10),
        await session.recordStart(entry, 10),
      ]);
      await reclaims.recordEnd(done, 'done', -3.5);
      await reclaims.recordEnd(done, 'failed', 0);
      const found = await reclaims.endInterrupted(run);
      expect(found).toMatchObject([{ run, name: 'old', label: 'item', mode: 'vacuum' }]);
      expect(Number.isNaN(Date.parse(found[0]?.at ?? ''))).toBe(false);
      expect(await reclaims.endInterrupted(run)).toEqual([]);
    });

    it('hands out the files that wait, by pass and root, and forgets those that are done with', async () => {
      const { recordedFiles: files } = db.harness.session.ledger;
      const outbox = { policy: 'p', pass: 'old', run: 1 };
      const part = { outbox, passes: ['old', 'others'], root: 'r' };
      const strays = ['a', 'b', 'c'].map((key, n) => ({ key, bytes: 10 * n }));
      await files.recordStrays(outbox, 'r', strays);
      await files.recordStrays(outbox, 'other root', strays);
      const bounds = await files.findBounds(part);
      if (bounds === undefined) throw new Error('no file waits');
      const started = await files.readStarted(part, bounds.last, 10);
      expect(started.map(({ path, bytes }) => [path, bytes])).toEqual([
        ['a', 0],
        ['b', 10],
        ['c', 20],
      ]);
      const [a, b, c] = started.map(({ id }) => id);
      await files.postpone([{ id: b ?? '', reason: 'in use' }]);
      expect(await files.readSample(part, bounds.last, 10)).toMatchObject([{ path: 'b', bytes: null }]);
      await files.recordSizes([{ id: b ?? '', bytes: 11 }]);
      await files.forget([a ?? '']);
      const next = await files.readNext(part, { after: b ?? '', upto: bounds.last }, 10);
      expect(next.map(({ id }) => id)).toEqual([c]);
      expect(await files.readStarted(part, undefined, 1)).toMatchObject([{ path: 'b', bytes: 11 }]);
      expect(await files.findBounds({ ...part, passes: ['others'] })).toBeUndefined();
      expect(await files.findBounds({ ...part, passes: [] })).toBeUndefined();
      await files.forgetAll(part);
      expect(await files.findBounds(part)).toBeUndefined();
      expect(await files.findBounds({ ...part, root: 'other root' })).toBeDefined();
    });
  });
}
