import type { Mistake } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import { countUpTo, hasRowSince } from '../sql/count-rows.ts';
import type { GuardedPass } from './counts.ts';
import { ofOwnTable } from './counts.ts';
import { nameEntity } from './name-entity.ts';
import type { Sizes } from './sizes.ts';
import { withinAMinute } from './within-a-minute.ts';

/** Whether rows would expire of a table in which no row is newer than the horizon. */
export async function examineNewest(
  database: Database,
  { policy, passes, counts }: Sizes,
): Promise<Mistake[]> {
  if (policy.limits.allowNewest) return [];
  const mistakes: Mistake[] = [];
  for (const pass of passes) {
    if (!isExpiry(pass) || maySeeAllExpire(policy, pass) || ofOwnTable(counts, pass).rows === 0) continue;
    const { table, ages, horizon } = pass.frozen;
    const { smallTable } = policy.limits;
    const allOld = await withinAMinute(database, async (tx) => {
      if (await hasRowSince(tx, table, ages, horizon)) return false;
      return (await countUpTo(tx, table, smallTable)) >= smallTable;
    });
    // Where a minute does not find one, there are too many rows to say that none is newer.
    if (allOld !== true) continue;
    mistakes.push({
      at: 'limit allowNewest',
      what: `no row of ${nameEntity(policy, table)} is newer than ${horizon}, the horizon of pass ${pass.name}: a clock, a time zone or a unit that is wrong looks like that`,
      fix: 'Look at the newest rows and at the age of the pass; where nothing newer is right, set limits.allowNewest to true',
    });
  }
  return mistakes;
}

/** A retention of less than an hour is for rows that say themselves until when they are of use. */
function maySeeAllExpire({ passes }: Policy, { name }: GuardedPass): boolean {
  const pass = passes.find((known) => known.name === name);
  return pass?.kind === 'expireRows' && pass.allowShort;
}

function isExpiry(pass: GuardedPass): pass is GuardedPass & { frozen: FrozenExpireRows } {
  return pass.kind === 'expireRows';
}
