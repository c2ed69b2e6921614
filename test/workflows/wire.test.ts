import { afterAll, expect, test } from '@jest/globals';

import { deleteOrphans } from '../../policy/delete-orphans.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import { describeNeeding } from '../support/needing.ts';
import { saidBy } from '../support/said.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../support/shop.ts';
import { TemporalSession } from '../support/temporal.ts';

// What stands in the history, in heartbeats and in failures can be read by everybody with access to the namespace.
const STATEMENTS = ['select ', 'delete from', 'where', 'order_id', 'closed_at'];
const TABLES = ['shop_order', 'audit_log', 'invoice'];
const ROW_CONTENT = [
  '471108154711',
  '9876504321',
  '8765404321',
  '5550004321',
  '2019-05-17',
  '2018-02-03',
  'secret text',
  'shipped',
];

describeNeeding(['temporal'], 'what crosses to Temporal', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  const policy = shopPolicy({
    batchSize: 1,
    slice: { batches: 2 },
    passes: [
      expireRows({
        name: 'old-orders',
        entity: Order,
        age: 'closedAt',
        olderThan: '10 days',
        where: { status: 'shipped', id: { $ne: '471108154711' } },
      }),
      deleteOrphans({ name: 'lost-audit', entity: AuditLog, by: 'orderId', parent: Order, age: 'at' }),
    ],
  });

  test.each(['completed', 'failed', 'refused'])(
    'has no URL, SQL, table, predicate or row in it: a %s run',
    async (end) => {
      const shop = await createShop();
      await shop.rows(`
      insert into shop_order select 98765043210 + n, 'shipped', '2019-05-17 11:22:33.444555+00' from generate_series(1, 6) as n;
      insert into audit_log select 87654043210 + n, 55500043210 + n, '2018-02-03 04:05:06.070809+00', 'secret text'
      from generate_series(1, 6) as n`);
      await shop.rows('insert into invoice values (1, 98765043212)');
      if (end === 'failed') {
        await shop.rows(`
          create function forbid() returns trigger language plpgsql as
            $$ begin raise exception 'secret text' using errcode = '42501', table = 'invoice'; end $$;
          create trigger forbid before delete on shop_order execute function forbid()`);
      }
      if (end === 'refused') await shop.rows('alter table audit_log rename to renamed_log');
      const taskQueue = session.queue();
      const history = await session.withVacuum({ taskQueue, url: shop.url, policies: [policy] }, async () => {
        const handle = await session.start(taskQueue);
        await handle.result().catch(() => undefined);
        return handle.fetchHistory();
      });
      const text = saidBy(history);
      expect(text).toContain('vacuum.beginRun');
      const secrets = ['postgresql://', '127.0.0.1:', shop.name, ...STATEMENTS, ...TABLES, ...ROW_CONTENT];
      // Stack traces of failures name files of ours, which are no secret.
      const withoutStacks = text.replaceAll(/"stackTrace":"(?:[^"\\]|\\.)*"/g, '');
      for (const secret of secrets)
        expect({ secret, found: withoutStacks.includes(secret) }).toEqual({ secret, found: false });
      await shop.drop();
    },
  );
});
