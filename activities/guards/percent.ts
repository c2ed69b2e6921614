import type { Mistake } from '../../policy/mistake.ts';
import type { Database } from '../database/database.ts';
import { countUpTo } from '../sql/count-rows.ts';
import type { TableCount } from './counts.ts';
import { nameEntity } from './name-entity.ts';
import { sayPreview } from './say-preview.ts';
import type { Sizes } from './sizes.ts';

/** Whether a run would delete more of a table than it may, counting what foreign keys and soft children take along. */
export async function examinePercent(
  database: Database,
  sizes: Sizes,
  tables: readonly TableCount[],
): Promise<Mistake[]> {
  const { policy, entities, catalog, maxPercent, previewed, doubt, patience } = sizes;
  if (maxPercent >= 100) return [];
  const mistakes: Mistake[] = [];
  for (const { table, rows, exact, passes } of tables) {
    if (passes.every((pass) => previewed.has(pass.name))) continue;
    const wouldGo = exact ? rows : rows * doubt;
    // With so many rows the table is large enough for what would go; it is counted no further.
    const enough = (100 * wouldGo) / maxPercent;
    const most = Math.max(enough, policy.limits.smallTable);
    const there =
      (await patience.look(database, async (tx) => countUpTo(tx, table, most))) ??
      catalog.named(table)?.rows ??
      most;
    if (there >= enough || there < policy.limits.smallTable) continue;
    const percent = Math.min(100, (100 * rows) / there);
    mistakes.push({
      at: `limit maxPercent ${maxPercent}`,
      what: `${exact ? '' : 'about '}${sayPercent(percent)} of ${nameEntity(entities, table)} would be deleted, ${sayRows(rows)} of ${sayRows(there)} rows, by ${sayPasses(passes)}`,
      fix: `${sayPreview(policy)}. Or set limits.maxPercent, or give run or worker --allow-percent ${Math.ceil(percent)}`,
      here: `table ${table.label}`,
    });
  }
  return mistakes;
}

function sayPercent(percent: number): string {
  return `${(Math.ceil(percent * 10) / 10).toLocaleString('en')} %`;
}

function sayRows(rows: number): string {
  return Math.round(rows).toLocaleString('en');
}

function sayPasses(passes: TableCount['passes']): string {
  return `${passes.length === 1 ? 'pass' : 'passes'} ${passes.map((pass) => pass.name).join(', ')}`;
}
