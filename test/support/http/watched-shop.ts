import { randomBytes } from 'node:crypto';

import type { WorkflowHandle } from '@temporalio/client';

import type { VacuumInput } from '../../../activities/contract.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { LimitOptions } from '../../../policy/limits.ts';
import type { Policy } from '../../../policy/policy.ts';
import { reclaimSpace } from '../../../policy/reclaim-space.ts';
import { pauseSignal } from '../../../workflows/messages.ts';
import type { RunProgress } from '../../../workflows/progress.ts';
import type { TestDatabase } from '../database.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../shop.ts';
import type { TemporalSession } from '../temporal.ts';
import { waitFor } from '../wait.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { startWorkerProcess } from '../worker-process.ts';

/** What nobody may ever read over HTTP: row content, a value of a filter, what the database says, a password. */
export const SECRETS = {
  row: 'ROWSECRET',
  filter: 'FILTERSECRET',
  raised: 'RAISEDSECRET',
  password: 'PASSWORDSECRET',
} as const;

/** As many passes as the preset for Prefect has, with names as long. */
const MANY_NAMES = [
  'orphaned-logs',
  'orphaned-artifacts',
  'stale-artifact-collections',
  'stuck-runs',
  'runs-without-end',
  'old-flow-runs',
  'old-background-task-runs',
  'expired-state-cache',
  'orphaned-task-logs',
  'orphaned-task-artifacts',
  'orphaned-state-cache',
  'old-logs',
  'old-events',
];

/** Slow enough to be caught in the middle, and one that is not enabled. */
export function watchedPolicies(name: string, limits: LimitOptions = {}): Policy[] {
  return [
    shopPolicy({
      name,
      database: 'main',
      schedule: { cron: '0 3 * * *' },
      batchSize: 10,
      shards: 1,
      batchPause: '100 ms',
      limits: { maxPercent: 100, allowNewest: true, ...limits },
      passes: [
        expireRows({
          name: 'old-audit',
          entity: AuditLog,
          age: 'at',
          olderThan: '10 days',
          where: { text: { $ne: SECRETS.filter } },
        }),
        expireRows({ name: 'old-orders', entity: Order, age: 'closedAt', olderThan: '10 days' }),
        reclaimSpace({ name: 'reclaim', mode: 'vacuum' }),
      ],
    }),
    shopPolicy({
      name: `${name}-idle`,
      database: 'main',
      enabled: false,
      passes: MANY_NAMES.map((pass) =>
        deleteOrphans({ name: pass, entity: AuditLog, by: 'orderId', parent: Order, age: 'at' }),
      ),
    }),
  ];
}

/** A policy that nobody has run; enabled unless its name begins with `off-`. */
export function neverRunPolicy(name: string): Policy {
  const passes = [expireRows({ name: 'old-audit', entity: AuditLog, age: 'at', olderThan: '10 days' })];
  return shopPolicy({ name, database: 'main', enabled: !name.startsWith('off-'), passes });
}

/** A shop whose worker is watched over HTTP. */
export class WatchedShop {
  readonly database: TestDatabase;
  readonly session: TemporalSession;
  readonly name: string;
  readonly taskQueue: string;
  readonly #workers: WorkerProcess[] = [];
  #rows = 0;

  private constructor(session: TemporalSession, database: TestDatabase) {
    this.session = session;
    this.database = database;
    this.taskQueue = session.queue();
    this.name = `shop-${randomBytes(4).toString('hex')}`;
  }

  static async prepare(session: TemporalSession): Promise<WatchedShop> {
    return new WatchedShop(session, await createShop());
  }

  get policy(): Policy {
    const [policy] = watchedPolicies(this.name);
    if (policy === undefined) throw new Error('there is no policy');
    return policy;
  }

  /** Adds rows, of which so many are past their time; the content of each is a secret. */
  async add(expired: number): Promise<void> {
    const first = this.#rows;
    this.#rows += expired + 5;
    await this.database.rows(
      `insert into audit_log
      select n, null, now() - case when n <= $1 + 5 then interval '1 day' else interval '20 days' end, $3 || repeat('x', 1000)
      from generate_series($1::int + 1, $2::int) as n`,
      [first, this.#rows, SECRETS.row],
    );
    await this.database.rows('analyze');
  }

  /** Starts a worker that serves on an address. */
  async serve(
    http = '127.0.0.1:0',
    env: NodeJS.ProcessEnv = {},
    options: {
      readonly address?: string;
      readonly metrics?: string;
      readonly flags?: readonly string[];
      readonly taskQueue?: string;
    } = {},
  ): Promise<WorkerProcess> {
    const url = new URL(this.database.url);
    url.password = SECRETS.password;
    const worker = await startWorkerProcess({
      url: url.toString(),
      taskQueue: this.taskQueue,
      config: 'test/support/http/vacuum.config.ts',
      http,
      env: { TEST_POLICY: this.name, ...env },
      ...options,
    });
    this.#workers.push(worker);
    return worker;
  }

  async start(input: VacuumInput = {}, taskQueue = this.taskQueue): Promise<WorkflowHandle> {
    return this.session.start(taskQueue, { policy: this.name, ...input });
  }

  /** A run that fails for what the database says, with the content of a row in it. */
  async failOnce(): Promise<void> {
    await this.database.rows(`
      insert into shop_order values (1, 'shipped', now() - interval '1 year');
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception '${SECRETS.raised} % ${SECRETS.row}', old.id using errcode = '42501'; end $$;
      create trigger refuse before delete on shop_order for each row execute function refuse()`);
    const failing = await this.start({ passes: ['old-orders'] });
    await failing.result().catch(() => undefined);
    await this.database.rows('drop trigger refuse on shop_order; delete from shop_order');
  }

  /** A run that rests in the middle of its first pass. */
  async pauseInTheMiddle(reason: string, taskQueue = this.taskQueue): Promise<WorkflowHandle> {
    const handle = await this.start({}, taskQueue);
    await waitFor('the fifth batch', async () => {
      const count = await this.database
        .value(
          'select count(*) from vacuum.run as r join vacuum.batch as b on b.run_id = r.id where r.workflow_id = $1',
          [handle.workflowId],
        )
        .catch(() => 0);
      return count >= 5;
    });
    await handle.signal(pauseSignal, reason);
    await waitFor('the slices to end', async () => {
      const { state } = await handle.query<RunProgress>('progress');
      const { raw } = await handle.describe();
      return state === 'paused' && (raw.pendingActivities ?? []).length === 0;
    });
    return handle;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map(async (worker) => worker.end()));
    await this.database.drop();
  }
}
