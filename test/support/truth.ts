import { isDeepStrictEqual } from 'node:util';

import { previewPolicy } from '../../activities/inspect/preview.ts';
import type { DatabaseSource } from '../../activities/ledger/database.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import type { Policy } from '../../policy/policy.ts';
import type { EngineOptions } from './engine.ts';
import { runEngine } from './engine.ts';

type Deleted = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Previews a policy, runs it, and throws unless the run deleted what the preview had counted. Returns the rows by pass and table. */
export async function runAsPreviewed(
  source: DatabaseSource,
  policy: Policy,
  options: EngineOptions = {},
): Promise<Deleted> {
  const passes = options.passes ?? policy.passes.map((pass) => pass.name);
  const database = await openDatabase(source);
  const { passes: previewed } = await previewPolicy(database, policy, passes);
  await database.close();
  const { passes: run } = await runEngine(source, policy, options);
  const preview = byPass(previewed);
  const result = byPass(run);
  const same = isDeepStrictEqual(preview, result) && isDeepStrictEqual(listHeld(previewed), listHeld(run));
  if (!same) {
    const told = [preview, listHeld(previewed), result, listHeld(run)].map((part) => JSON.stringify(part));
    throw new Error(`previewed ${told[0]}, held ${told[1]}; deleted ${told[2]}, held ${told[3]}`);
  }
  return result;
}

function byPass(passes: readonly Pick<LedgerReport['passes'][number], 'name' | 'deleted'>[]): Deleted {
  return Object.fromEntries(passes.map(({ name, deleted }) => [name, deleted]));
}

function listHeld(passes: readonly { readonly held: number }[]): number[] {
  return passes.map(({ held }) => held);
}
