import type { z } from 'zod';

import { readTableSizes } from '../../activities/doctor/stats.ts';
import type { Tables } from './answers.ts';
import { Cached } from './cached.ts';
import { READ_LIMITS } from './databases.ts';
import type { Sources } from './sources.ts';

type Answer = z.infer<typeof Tables>;

/** Sizes change slowly, and catalog queries over many tables are not free. */
const KEEP_MILLIS = 15_000;

/** Reads what the tables of all policies measure. */
export function tableReader(sources: Sources): () => Promise<Answer> {
  const answers = new Cached<Answer>(KEEP_MILLIS);
  return async () =>
    answers.get('', async () => ({ at: new Date().toISOString(), tables: await readTables(sources) }));
}

/** A table that several policies name is told once. */
async function readTables({ databases, policies }: Sources): Promise<Answer['tables']> {
  const tables = new Map<string, Answer['tables'][number]>();
  for (const policy of policies) {
    const database = databases.nameFor(policy);
    if (database === undefined) continue;
    const sizes = await databases.read(database, async (opened) =>
      readTableSizes(opened, policy, READ_LIMITS),
    );
    for (const size of sizes) {
      const key = JSON.stringify([database, size.table]);
      const known = tables.get(key);
      if (known === undefined) tables.set(key, { ...size, database, policies: [policy.name] });
      else known.policies.push(policy.name);
    }
  }
  return [...tables.values()];
}
