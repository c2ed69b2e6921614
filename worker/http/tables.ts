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
    answers.get('', async () => {
      const { databases, policies } = sources;
      const used = new Set(policies.flatMap((policy) => databases.nameFor(policy) ?? []));
      const { found, missing } = await databases.each([...used], async (name) => readTables(sources, name));
      return { at: new Date().toISOString(), missing, tables: found.flat() };
    });
}

/** A table that several policies name is told once. */
async function readTables({ databases, policies }: Sources, database: string): Promise<Answer['tables']> {
  const tables = new Map<string, Answer['tables'][number]>();
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
