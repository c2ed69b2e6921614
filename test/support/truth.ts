import { isDeepStrictEqual } from 'node:util';

import { openDatabase } from '../../activities/database/database.ts';
import type { LedgerReport } from '../../activities/ledger/reports.ts';
import { previewPolicy } from '../../activities/preview/preview.ts';
import type { Policy } from '../../policy/policy.ts';
import type { EngineOptions } from './engine.ts';
import { runEngine } from './engine.ts';

type Deleted = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Previews a policy, runs it, and throws unless the run deleted what the preview had counted. Answers the rows by pass and table. */
export async function runAsPreviewed(
  url: string,
  policy: Policy,
  options: EngineOptions = {},
): Promise<Deleted> {
  const passes = options.passes ?? policy.passes.map((pass) => pass.name);
  const database = await openDatabase(url);
  const preview = byPass((await previewPolicy(database, policy, passes)).passes);
  await database.close();
  const result = byPass((await runEngine(url, policy, options)).passes);
  if (!isDeepStrictEqual(preview, result)) {
    throw new Error(`previewed ${JSON.stringify(preview)}, deleted ${JSON.stringify(result)}`);
  }
  return result;
}

function byPass(passes: readonly Pick<LedgerReport['passes'][number], 'name' | 'deleted'>[]): Deleted {
  return Object.fromEntries(passes.map(({ name, deleted }) => [name, deleted]));
}
