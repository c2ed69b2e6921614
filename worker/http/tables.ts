import type { z } from 'zod';

import { readTableSizes } from '../../activities/inspect/stats.ts';
import { Cached } from './cached.ts';
import { READ_LIMITS } from './databases.ts';
import type { Tables } from './response-schemas.ts';
import type { Sources } from './sources.ts';

type Response = z.infer<typeof Tables>;

/** Sizes change slowly, and catalog queries over many tables are not free. */
const CACHE_MILLIS = 15_000;

/** Reads the sizes of the tables of all policies. */
export function createTableReader(sources: Sources): () => Promise<Response> {
  const cache = new Cached<Response>(CACHE_MILLIS);
  return async () =>
    cache.get('', async () => {
      const { databases, policies } = sources;
      const used = new Set(policies.flatMap((policy) => databases.nameFor(policy) ?? []));
      const { found, missing } = await databases.readEach([...used], async (name) =>
        readTables(sources, name),
      );
      return { at: new Date().toISOString(), missing, tables: found.flat() };
    });
}

/** Returns a table of several policies once. */
async function readTables({ databases, policies }: Sources, database: string): Promise<Response['tables']> {
  const tables = new Map<string, Response['tables'][number]>();
  for (const policy of policies) {
    if (databases.nameFor(policy) !== database) continue;
    const sizes = await databases.read(database, async (opened) =>
      readTableSizes(opened, policy, READ_LIMITS),
    );
    for (const size of sizes) {
      const known = tables.get(size.table);
      if (known === undefined) tables.set(size.table, { ...size, database, policies: [policy.name] });
      else known.policies.push(policy.name);
    }
  }
  return [...tables.values()];
}
