import type { Policy } from '../../policy/policy.ts';
import type { Session } from '../dialect/dialect.ts';
import type { StoredPass, StoredSweepStrayFiles } from '../stored/pass.ts';
import type { RunPass } from '../stored/run.ts';
import { Previews } from './previews.ts';

/**
 * Tells passes that remove stray files how many a run may remove. If older rows were restored, all newer files look
 * like strays, and only what is usual, or what somebody looked at, tells them from real ones. Limits `maxGrowth` and
 * `smallTable` count for files as they do for rows; the first run has removed none before.
 */
export async function limitStrays(
  session: Pick<Session, 'ledger'>,
  { name: policy, limits }: Policy,
  passes: readonly RunPass[],
): Promise<RunPass[]> {
  const sweeps = passes.filter(({ stored }) => stored !== null && removesStrays(stored));
  if (sweeps.length === 0 || limits.maxGrowth === Infinity) return [...passes];
  const previews = await Previews.read(session, policy, sweeps);
  return Promise.all(
    passes.map(async (pass) => {
      const { name, stored } = pass;
      if (stored === null || !removesStrays(stored)) return pass;
      const usual = (await session.ledger.guards.findMaxFiles(policy, name)) ?? 0;
      const permitted = previews.findFiles(name)?.permitted ?? 0;
      const maxStrays = Math.max(limits.smallTable, limits.maxGrowth * usual, permitted);
      return { ...pass, stored: { ...stored, maxStrays } };
    }),
  );
}

function removesStrays(stored: StoredPass): stored is StoredSweepStrayFiles {
  return 'maxStrays' in stored && 'remove' in stored && stored.remove === true;
}
