import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Pool } from 'pg';

import { openSession } from '../../../activities/dialect/choose-dialect.ts';
import { describeDatabaseError } from '../../../activities/dialect/database-error.ts';
import { readDatabaseError } from '../../../activities/dialect/read-error.ts';
import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { findConnectionIssues } from '../../../activities/plan/connection-issues.ts';
import type { Policy } from '../../../policy/policy.ts';
import { reclaimSpace } from '../../../policy/reclaim-space.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createItems, expiring, Item, makePolicy } from '../../support/items.ts';
import { describeNeeding } from '../../support/needing.ts';
import { CommitProxy } from '../../support/postgres/commit-proxy.ts';
import { PgBouncer } from '../../support/postgres/pgbouncer.ts';
import { waitFor } from '../../support/wait.ts';

describeNeeding(['pgbouncer'], 'behind a pooler that hands out transactions', () => {
  let database: TestDatabase;
  let bouncer: PgBouncer;
  let single: PgBouncer;
  const reclaiming = makePolicy(expiring(), reclaimSpace({ name: 'space', entities: [Item] }));
  const names = reclaiming.passes.map(({ name }) => name);

  beforeAll(async () => {
    database = await createItems();
    await database.rows(
      'create table child (id integer primary key, item_id integer references item on delete cascade, at timestamptz)',
    );
    bouncer = await PgBouncer.start(database.url, 4);
    single = await PgBouncer.start(database.url, 1);
  });
  afterAll(async () => {
    await bouncer.stop();
    await single.stop();
    await database.drop();
  });

  async function isRefused(url: string): Promise<boolean> {
    const open = await openDatabase(url);
    try {
      return (await findConnectionIssues(open.session, reclaiming, names)).length > 0;
    } finally {
      await open.close();
    }
  }

  /** Other clients are at work meanwhile. */
  async function underLoad<T>(url: string, work: () => Promise<T>): Promise<T> {
    const pool = new Pool({ connectionString: url, max: 8 });
    const over = new AbortController();
    const others = Array.from({ length: 8 }, async () => {
      while (!over.signal.aborted) await pool.query('select pg_sleep(0.003)');
    });
    try {
      return await work();
    } finally {
      over.abort();
      await Promise.all(others);
      await pool.end();
    }
  }

  test('rows are previewed, deleted and counted, and no other client gets a setting of ours', async () => {
    await database.rows(
      `insert into item select n, null, 'x', now() - interval '9 days' from generate_series(1, 500) as n`,
    );
    const url = bouncer.urlFor(database.url);
    const policy: Policy = { ...makePolicy(expiring()), shards: 4 };
    const open = await openDatabase(url);
    const { passes } = await previewPolicy(open, policy, ['old']);
    expect(passes[0]?.rows).toBe(500);
    await open.close();
    const report = await runEngine(url, policy, { size: 20 });
    expect(report.deleted).toEqual({ item: 500 });
    const other = new Pool({ connectionString: url, max: 4 });
    const settings = await Promise.all(
      Array.from({ length: 8 }, async () =>
        other.query(
          `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement, pg_sleep(0.05)`,
        ),
      ),
    );
    await other.end();
    for (const { rows } of settings) expect(rows[0]).toMatchObject({ lock: '0', statement: '0' });
  });

  test('what it refuses is told in its own words', async () => {
    for (const [change, why] of [
      [
        (url: URL) => url.searchParams.set('options', '-csearch_path=public'),
        'unsupported startup parameter',
      ],
      [(url: URL) => (url.pathname = '/none'), 'none'],
    ] as const) {
      const url = new URL(bouncer.urlFor(database.url));
      change(url);
      const { session, close } = openSession(url.toString(), 'vacuum', 1);
      const error = await session.facts.readClock().catch((thrown: unknown) => thrown);
      await close();
      const known = readDatabaseError(error);
      expect(known === undefined ? String(error) : describeDatabaseError(known)).toContain(why);
    }
  });

  test('giving space back is refused before anything begins, also by the doctor', async () => {
    expect(await isRefused(bouncer.urlFor(database.url))).toBe(true);
    expect(await isRefused(single.urlFor(database.url))).toBe(true);
    expect(
      await underLoad(bouncer.urlFor(database.url), async () => isRefused(bouncer.urlFor(database.url))),
    ).toBe(true);
    const open = await openDatabase(bouncer.urlFor(database.url));
    const findings = await examineDatabase(open, reclaiming);
    await open.close();
    expect(findings.filter(({ state }) => state === 'problem')).toMatchObject([
      { about: 'pass "space"', what: expect.stringContaining('a pooler hands out the sessions') },
    ]);
  });

  test('and is not refused without one, whatever others do', async () => {
    expect(await isRefused(database.url)).toBe(false);
    expect(await underLoad(database.url, async () => isRefused(database.url))).toBe(false);
  });

  test('what a command holds ends with it, although the pooler keeps the session of the server', async () => {
    const wire = await CommitProxy.start(bouncer.urlFor(database.url), 'before commit', 1_000);
    const command = await openDatabase(wire.url);
    const other = await openDatabase(database.url);
    const release = await command.session.holdKey('key of a command');
    expect(await other.session.isKeyHeld('key of a command')).toBe(true);
    await wire.close();
    await waitFor('the key', async () => !(await other.session.isKeyHeld('key of a command')));
    await release();
    await command.close();
    await other.close();
  });
});
