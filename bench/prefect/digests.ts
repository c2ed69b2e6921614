import type { Client } from 'pg';

import { TABLES } from '../../test/support/prefect/model.ts';

/** What is in each table: how many rows, and a sum over the hashes of their ids. */
export type Digests = Readonly<Record<string, { readonly rows: number; readonly ids: string }>>;

/** Reads all tables once. A collection also counts by the artifact that it names. */
export async function readDigests(client: Client): Promise<Digests> {
  const digests: Record<string, { rows: number; ids: string }> = {};
  for (const table of TABLES) {
    const latest = table === 'artifact_collection' ? ' + uuid_hash_extended(latest_id, 1)' : '';
    const { rows } = await client.query<{ rows: string; ids: string }>(
      `select count(*) as rows, coalesce(sum(uuid_hash_extended(id, 0)::numeric${latest}), 0)::text as ids from ${table}`,
    );
    digests[table] = { rows: Number(rows[0]?.rows), ids: rows[0]?.ids ?? '' };
  }
  return digests;
}

/** The tables that differ, each with both counts. */
export function differences(a: Digests, b: Digests): string[] {
  return TABLES.filter((table) => a[table]?.ids !== b[table]?.ids).map(
    (table) => `${table}: ${a[table]?.rows} and ${b[table]?.rows} rows`,
  );
}

/** Rows in all tables together. */
export function allRows(of: Digests): number {
  return Object.values(of).reduce((sum, { rows }) => sum + rows, 0);
}
