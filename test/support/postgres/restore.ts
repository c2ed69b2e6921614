import { openDatabase as openVacuumed } from '../../../activities/ledger/database.ts';
import type { TestDatabase } from '../database.ts';
import { createDatabase, loadSchema } from '../database.ts';
import type { Cluster } from './cluster.ts';

const SCHEMA = 'restored_schema';

/**
 * Restores a database of Prefect's on another server, ledger and rows of the given tables included, as from a dump:
 * the contents are the same, and what the server and the database are is not.
 */
export async function restoreContents(
  from: TestDatabase,
  to: TestDatabase,
  tables: readonly string[],
): Promise<void> {
  const { ledger, close } = await openVacuumed(to.url);
  await ledger.migrate();
  await close();
  const kept = await from.rows<{ name: string }>(
    `select format('vacuum.%I', tablename) as name from pg_tables where schemaname = 'vacuum'`,
  );
  const client = await to.pool.connect();
  // As pg_restore --disable-triggers: tables come in no order.
  await client.query('set session_replication_role = replica');
  for (const name of [...kept.map((table) => table.name), ...tables]) {
    const content = await from.value<string>(`select coalesce(json_agg(t), '[]')::text from ${name} as t`);
    await client.query(`delete from ${name}`);
    await client.query(`insert into ${name} select * from json_populate_recordset(null::${name}, $1)`, [
      content,
    ]);
  }
  await client.query(`select setval(pg_get_serial_sequence('vacuum.run', 'id'), max(id)) from vacuum.run`);
  client.release(true);
}

/** An empty database of Prefect's on another server. */
export async function createOn(cluster: Cluster): Promise<TestDatabase> {
  await loadSchema(cluster.url(), SCHEMA);
  return createDatabase(SCHEMA, cluster.url());
}
