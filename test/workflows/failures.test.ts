import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { deleteOrphans } from '../../policy/delete-orphans.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../support/shop.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal'], 'a pass that cannot do its work', () => {
  const session = new TemporalSession();
  let shop: TestDatabase;

  const lostAudit = (dependsOn?: string[]): ReturnType<typeof deleteOrphans> =>
    deleteOrphans({
      name: 'lost-audit',
      entity: AuditLog,
      by: 'orderId',
      parent: Order,
      age: 'at',
      ...(dependsOn === undefined ? {} : { dependsOn }),
    });
  const oldOrders = expireRows({ name: 'old-orders', entity: Order, age: 'closedAt', olderThan: '10 days' });

  beforeEach(async () => {
    shop = await createShop();
    await shop.rows(`
      insert into shop_order select n, 'shipped', now() - interval '1 year' from generate_series(1, 10) as n;
      insert into audit_log select n, 100 + n, now() - interval '1 year', 'x' from generate_series(1, 10) as n`);
  });
  afterEach(async () => shop.drop());
  afterAll(async () => session.close());

  async function runToEnd(policy: Policy): Promise<{ failure: unknown; workflowId: string }> {
    const taskQueue = session.queue();
    return session.withVacuum({ taskQueue, url: shop.url, policies: [policy] }, async () => {
      const handle = await session.start(taskQueue);
      const failure: unknown = await handle.result().then(
        () => undefined,
        (error: unknown) => error,
      );
      return { failure, workflowId: handle.workflowId };
    });
  }

  /** Orders cannot be deleted, whatever a batch tries. */
  async function forbid(): Promise<void> {
    await shop.rows(`
      create function forbid() returns trigger language plpgsql as
        $$ begin raise exception 'secret text' using errcode = '42501'; end $$;
      create trigger forbid before delete on shop_order execute function forbid()`);
  }

  test('a row that another one references is kept, counted, and noted with its constraint on this machine only', async () => {
    await shop.rows('insert into invoice values (1, 3)');
    const { failure, workflowId } = await runToEnd(shopPolicy({ passes: [oldOrders] }));
    expect(failure).toBeUndefined();
    const report = await fetchReport(shop, workflowId);
    expect(report.passes[0]).toMatchObject({ rows: 9, blocked: 1, status: 'completed' });
    expect(report.notes).toEqual([
      {
        what: 'pass old-orders: rows stay that other rows reference, by a foreign key that forbids to delete them',
        here: 'constraint invoice_order_id_fkey of table invoice',
      },
    ]);
  });

  test('a row that a trigger keeps is noted with the function that does', async () => {
    await shop.rows(`
      create function keep_three() returns trigger language plpgsql as
        $$ begin if old.id = 3 then raise exception 'row 3'; end if; return old; end $$;
      create trigger keep_three before delete on shop_order for each row execute function keep_three()`);
    const { workflowId } = await runToEnd(shopPolicy({ passes: [oldOrders] }));
    const report = await fetchReport(shop, workflowId);
    expect(report.passes[0]).toMatchObject({ rows: 9, blocked: 1, status: 'completed' });
    expect(report.notes).toEqual([
      {
        what: 'pass old-orders: rows stay that the database does not let go: a trigger or function of the database raised an error',
        here: 'function keep_three',
      },
    ]);
  });

  test('fails alone: later passes still run, and the run tells all reasons', async () => {
    await forbid();
    const { failure, workflowId } = await runToEnd(shopPolicy({ passes: [oldOrders, lostAudit()] }));
    expect(failure).toMatchObject({ cause: { type: 'VacuumFailed' } });
    const message = (failure as { cause: Error }).cause.message;
    expect(message).toContain('pass old-orders: deleting: a privilege is missing');
    expect(message).toContain('42501');
    const report = await fetchReport(shop, workflowId);
    expect(report.status).toBe('failed');
    expect(report.passes.map(({ name, status }) => [name, status])).toEqual([
      ['old-orders', 'failed'],
      ['lost-audit', 'completed'],
    ]);
    expect(report.deleted).toEqual({ audit_log: 10 });
  });

  test('takes those along that depend on it', async () => {
    await forbid();
    const { workflowId } = await runToEnd(shopPolicy({ passes: [oldOrders, lostAudit(['old-orders'])] }));
    const report = await fetchReport(shop, workflowId);
    expect(report.passes.map((pass) => pass.status)).toEqual(['failed', 'skipped']);
    expect(report.rows).toBe(0);
  });

  test('a privilege that is taken away in the middle stops the pass with a sentence, and nothing is tried again', async () => {
    await shop.rows(`
      do $$ begin create role limited login; exception when duplicate_object then null; end $$;
      grant select, update, delete on all tables in schema public to limited;
      grant create on database ${shop.name} to limited`);
    const url = new URL(shop.url);
    url.username = 'limited';
    const taskQueue = session.queue();
    const policy = shopPolicy({ passes: [lostAudit()], batchSize: 1, batchPause: '50 ms', shards: 1 });
    await session.withVacuum({ taskQueue, url: url.toString(), policies: [policy] }, async () => {
      const handle = await session.start(taskQueue);
      await waitFor('a batch', async () => (await shop.value('select count(*) from audit_log')) < 10);
      await shop.rows('revoke delete on audit_log from limited');
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'VacuumFailed' } });
      const report = await fetchReport(shop, handle.workflowId);
      expect(report.passes[0]?.error).toContain('a privilege is missing (SQLSTATE 42501)');
      expect(report.deleted['audit_log']).toBe(10 - (await shop.value('select count(*) from audit_log')));
    });
  });

  test('an error that nobody knows is tried a few times and then seen', async () => {
    await shop.rows(`
      create function refuse() returns trigger language plpgsql as $$
        begin raise exception 'secret 4711' using errcode = 'ZZ123'; end $$;
      create trigger refuse before delete on audit_log execute function refuse()`);
    const { failure, workflowId } = await runToEnd(shopPolicy({ passes: [lostAudit()], shards: 1 }));
    expect(failure).toMatchObject({ cause: { type: 'VacuumFailed' } });
    const report = await fetchReport(shop, workflowId);
    expect(report.passes[0]?.error).toBe('deleting: the database reported an error (SQLSTATE ZZ123)');
    expect(report.rows).toBe(0);
  });

  test('a lock on a whole table is waited for', async () => {
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('lock table audit_log in access exclusive mode');
    const taskQueue = session.queue();
    const policy = shopPolicy({ passes: [lostAudit()], shards: 1 });
    await session.withVacuum({ taskQueue, url: shop.url, policies: [policy] }, async () => {
      const handle = await session.start(taskQueue);
      await waitFor('the run to meet the lock', async () => {
        const { raw } = await handle.describe();
        return raw.pendingActivities?.some((activity) =>
          activity.lastFailure?.message?.includes('another session holds a lock'),
        );
      });
      await other.query('commit');
      expect(await handle.result()).toMatchObject({ status: 'completed', rows: 10 });
    });
    other.release();
  });

  test('a child that somebody holds does not stop its parent’s neighbours', async () => {
    await shop.rows(`insert into order_line select n, n, 'x' from generate_series(1, 10) as n`);
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('select * from order_line where order_id = 4 for update');
    const { workflowId } = await runToEnd(shopPolicy({ passes: [oldOrders], shards: 1 }));
    expect(await shop.rows('select id from shop_order')).toEqual([{ id: 4 }]);
    const report = await fetchReport(shop, workflowId);
    expect(report.deleted).toEqual({ shop_order: 9, order_line: 9 });
    expect(report.passes[0]?.skipped).toBe(1);
    await other.query('rollback');
    other.release();
  });
});
