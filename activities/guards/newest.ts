import type { Mistake } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import { countUpTo, hasRowSince } from '../sql/count-rows.ts';
import type { GuardedPass } from './counts.ts';
import { ofOwnTable } from './counts.ts';
import { nameEntity } from './name-entity.ts';
import type { Sizes } from './sizes.ts';

/** Whether rows would expire of a table in which no row is newer than the horizon. */
export async function examineNewest(
  database: Database,
  { policy, entities, passes, counts, patience }: Sizes,
): Promise<Mistake[]> {
  if (policy.limits.allowNewest) return [];
  const mistakes: Mistake[] = [];
  for (const pass of passes) {
    if (!isExpiry(pass) || maySeeAllExpire(policy, pass) || ofOwnTable(counts, pass).rows === 0) continue;
    const { table, ages, horizon } = pass.frozen;
    const { smallTable } = policy.limits;
    const allOld = await patience.look(database, async (tx) => {
      if (await hasRowSince(tx, table, ages, horizon)) return false;
      return (await countUpTo(tx, table, smallTable)) >= smallTable;
    });
    if (allOld === false) continue;
    const name = nameEntity(entities, table);
    const found = allOld === undefined ? `looking for a row of ${name} that is` : `no row of ${name} is`;
    const slow = allOld === undefined ? ' took too long' : '';
    const index = allOld === undefined ? 'give the age an index, or ' : '';
    mistakes.push({
      at: 'limit allowNewest',
      what: `${found} newer than ${horizon}, the horizon of pass ${pass.name},${slow}: a clock, a time zone or a unit that is wrong looks like that`,
      fix: `Look at the newest rows and at the age of the pass; ${index}where nothing newer is right, set limits.allowNewest to true`,
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
