import { setTimeout as sleep } from 'node:timers/promises';

import { noopMetricMeter } from '@temporalio/common';
import { Runtime } from '@temporalio/worker';

import type { Databases } from '../activities/ledger/databases.ts';
import { readLastRuns } from '../activities/ledger/last-runs.ts';
import type { LastRuns } from '../activities/ledger/last-runs.ts';
import { Ledger } from '../activities/ledger/ledger.ts';
import { recordLastRuns } from '../activities/run/metrics.ts';
import type { Policy } from '../policy/policy.ts';

const LIMITS = { lockMillis: 1_000, statementMillis: 10_000 };
/** A database that is not there at the start costs one attempt to connect in this time. */
const RETRY_MILLIS = 5_000;

/** What a worker is, as the tags of its metrics tell. */
interface WorkerTags {
  readonly namespace: string;
  readonly taskQueue: string;
}

/**
 * Sets the metrics of the last runs from the ledgers when a worker starts: a process that restarted has completed no run, and
 * alerts need the series. Tries a ledger that cannot be read again until it can be, or until the signal. Never throws.
 * Disabled policies have no series: nobody waits for their runs.
 */
export async function recordLastRunsAtStart(
  databases: Databases,
  policies: readonly Policy[],
  tags: WorkerTags,
  signal: AbortSignal,
): Promise<void> {
  const { metricMeter, logger } = Runtime.instance();
  if (metricMeter === noopMetricMeter) return;
  const context = { metricMeter: metricMeter.withTags({ ...tags }), log: logger };
  const enabled = policies.filter((policy) => policy.enabled && databases.check(policy).length === 0);
  const byDatabase = Map.groupBy(enabled, (policy) => databases.nameFor(policy));
  await Promise.all(
    [...byDatabase].map(async ([database, own]) => {
      const names = own.map(({ name }) => name);
      while (!signal.aborted) {
        try {
          for (const runs of await readFrom(databases, database, names)) recordLastRuns(runs, context);
          return;
        } catch (error) {
          logger.debug(`the last runs in database ${database} cannot be read for the metrics`, { error });
          await sleep(RETRY_MILLIS, undefined, { signal }).catch(() => undefined);
        }
      }
    }),
  );
}

async function readFrom(
  databases: Databases,
  database: string,
  policies: readonly string[],
): Promise<LastRuns[]> {
  const { session, ledger } = await databases.named(database);
  return session.snapshot(LIMITS, async (tx) => {
    const own = new Ledger(tx, ledger.schema);
    const version = await own.version();
    // The first run creates the ledger.
    if (version === 'missing') return policies.map((policy) => ({ policy, last: null, completed: null }));
    if (version !== 'current') throw new Error(`the ledger is ${version}`);
    return readLastRuns(own, policies);
  });
}
