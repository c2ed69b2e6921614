import type { Mistake } from '../../policy/mistake.ts';
import type { Database } from '../database/database.ts';
import { mostDeleted } from '../ledger/guards.ts';
import { ofOwnTable } from './counts.ts';
import { nameEntity } from './name-entity.ts';
import { sayPreview } from './say-preview.ts';
import type { Sizes } from './sizes.ts';

/** Whether a pass would delete many times the rows of its own table that one of its last runs did. */
export async function examineGrowth({ ledger }: Database, sizes: Sizes): Promise<Mistake[]> {
  const { policy, entities, passes, counts, mostRows, previewed, doubt } = sizes;
  const { maxGrowth, smallTable } = policy.limits;
  if (maxGrowth === Infinity) return [];
  const mistakes: Mistake[] = [];
  for (const pass of passes) {
    const own = ofOwnTable(counts, pass);
    const rows = Math.min(mostRows, own.rows);
    const wouldGo = own.exact ? rows : rows * doubt;
    if (previewed.has(pass.name) || wouldGo < Math.max(1, smallTable)) continue;
    const { table } = pass.frozen;
    const most = await mostDeleted(ledger, policy.name, pass.name, table.label);
    if (most === undefined || wouldGo <= maxGrowth * most) continue;
    mistakes.push({
      at: `limit maxGrowth ${maxGrowth}`,
      what: `pass ${pass.name} would delete ${own.exact ? '' : 'about '}${rows.toLocaleString('en')} rows of ${nameEntity(entities, table)}, and the most that one of its last ten runs deleted is ${most.toLocaleString('en')}`,
      fix: `${sayPreview(policy)}. Or set limits.maxGrowth`,
    });
  }
  return mistakes;
}
