import { Client } from 'pg';

import { startCluster } from '../../test/support/postgres/cluster.ts';
import { fillPrefect } from '../../test/support/prefect/fill.ts';
import { makeSchema } from '../../test/support/prefect/schema.ts';
import { note } from '../../worker/cli/output.ts';
import type { DemoDatabase } from './database.ts';
import { sizeFor } from './database.ts';

/** Starts PostgreSQL and fills it with so many flow runs. */
export async function startPostgres(runs = 20_000): Promise<DemoDatabase> {
  note(`starting PostgreSQL and filling it with ${runs} flow runs and all that hangs on them`);
  const cluster = await startCluster({ durable: true, settings: { shared_buffers: '512MB' } });
  const client = new Client(cluster.url());
  const remove = async (): Promise<void> => {
    await client.end();
    await cluster.destroy();
  };
  try {
    await client.connect();
    await makeSchema(client, async () => fillPrefect(client, sizeFor(runs)));
    await client.query('vacuum analyze');
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    url: cluster.url(),
    rows: async <T extends object>(text: string) => (await client.query<T>(text)).rows,
    sumBatches: async (run) =>
      (
        await client.query<{ label: string; deleted: number }>(
          `select key as label, sum(value::float8) as deleted
           from vacuum.batch
           cross join jsonb_each_text(deleted)
           where run_id = $1
           group by key`,
          [run],
        )
      ).rows,
    remove,
  };
}
