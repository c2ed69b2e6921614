import { sql } from 'kysely';

import type { FrozenSweepStrayFiles } from '../passes/sweep-stray-files.ts';
import type { Ledger } from './ledger.ts';
import type { RunPass } from './runs.ts';

/**
 * Tells passes that walk over a root how many files a former run of theirs has counted there, for progress only. A pass
 * of which the ledger has no such run, or only one whose batches it keeps no more, is answered as it is.
 */
export async function expectFiles(
  ledger: Ledger,
  policy: string,
  passes: readonly RunPass[],
): Promise<RunPass[]> {
  return Promise.all(
    passes.map(async (pass) => {
      if (pass.frozen === null || !isSweep(pass.frozen)) return pass;
      const files = await countedBefore(ledger, policy, pass.name, pass.frozen.root.name);
      if (files === undefined) return pass;
      const expected = { files, walks: pass.frozen.remove ? 2 : 1 } as const;
      return { ...pass, plan: { ...pass.plan, shards: [{ strategy: 'files', expected }] } };
    }),
  );
}

function isSweep(frozen: { readonly kind: string }): frozen is FrozenSweepStrayFiles {
  return frozen.kind === 'sweepStrayFiles';
}

/** What the last walk over a whole root has counted. */
async function countedBefore(
  ledger: Ledger,
  policy: string,
  pass: string,
  root: string,
): Promise<number | undefined> {
  const { rows } = await sql<{ files: number }>`
    select (b.cursor #>> '{listing,files}')::float8 as files
    from ${ledger.table('run')} as r
    join ${ledger.table('pass')} as p on p.run_id = r.id
    join ${ledger.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
    where
      r.policy = ${policy} and p.name = ${pass} and p.kind = 'sweepStrayFiles' and r.batches_kept
      and p.frozen #>> '{root,name}' = ${root}
      and b.cursor ? 'listing' and (b.done or b.cursor #>> '{listing,removing}' = 'true')
    order by b.run_id desc, b.sequence desc
    limit 1`.execute(ledger.db);
  return rows[0]?.files;
}
