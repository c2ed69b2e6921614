import type { Mistake } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { previewedPasses } from '../ledger/guards.ts';
import type { PolicyEntities } from '../plan/entities.ts';
import type { Catalog } from '../sql/catalog.ts';
import type { Count, GuardedPass } from './counts.ts';
import { byTable, countBySample, countExactly, hasFamily } from './counts.ts';
import { examineGrowth } from './growth.ts';
import { examineNewest } from './newest.ts';
import type { Patience } from './patience.ts';
import { examinePercent } from './percent.ts';

/** A sample is off by less; nearer to a limit rows are counted. */
const SAMPLE_FACTOR = 2;

/** What a run is about to do, and how much of that is allowed. */
export interface Intent {
  readonly policy: Policy;
  readonly entities: PolicyEntities;
  readonly catalog: Catalog;
  readonly passes: readonly GuardedPass[];
  /** The most rows that the run deletes in all; Infinity where there is no limit. */
  readonly mostRows: number;
  /** Percent of a table, as `--allow-percent` has it; 0 where nobody said. */
  readonly allowPercent: number;
  readonly patience: Patience;
}

/** What the guards of sizes look at. */
export interface Sizes extends Omit<Intent, 'allowPercent'> {
  readonly maxPercent: number;
  readonly counts: readonly Count[];
  /** Passes that somebody has looked at. */
  readonly previewed: ReadonlySet<string>;
  /** By how much more a count that is not exact is taken for; 1 to judge. */
  readonly doubt: number;
}

/**
 * Whether a run would delete too much: too much of a table, too much for what is usual, or all there is.
 *
 * First by what costs little: samples, and counting what passes with children would take, which is less work than
 * taking it. Only where that comes near a limit everything is counted, as a preview does, and judged by that.
 */
export async function examineSizes(database: Database, intent: Intent): Promise<Mistake[]> {
  const { policy, passes, allowPercent, patience } = intent;
  const maxPercent = Math.max(policy.limits.maxPercent, allowPercent);
  const previewed = await previewedPasses(database.ledger, policy.name, passes);
  const common = { ...intent, maxPercent, previewed };
  const first = await countCheaply(database, intent, maxPercent, previewed);
  const suspicion = await judge(database, { ...common, counts: first, doubt: SAMPLE_FACTOR });
  if (suspicion.length === 0) return [];
  const isExact = first.every((count) => count.exact);
  const counts = isExact
    ? first
    : ((await patience.look(database, async (tx) =>
        countExactly(tx, database.ledger, intent.catalog, passes),
      )) ?? first);
  return judge(database, { ...common, counts, doubt: 1 });
}

async function countCheaply(
  database: Database,
  { catalog, passes, patience }: Intent,
  maxPercent: number,
  previewed: ReadonlySet<string>,
): Promise<Count[]> {
  const guarded = passes.filter((pass) => maxPercent < 100 && !previewed.has(pass.name) && hasFamily(pass));
  const exact =
    guarded.length === 0
      ? []
      : await patience.look(database, async (tx) => countExactly(tx, database.ledger, catalog, guarded));
  const sampled = passes.filter((pass) => exact === undefined || !guarded.includes(pass));
  return [...(exact ?? []), ...sampled.map(countBySample)];
}

async function judge(database: Database, sizes: Sizes): Promise<Mistake[]> {
  return [
    ...(await examinePercent(database, sizes, byTable(sizes.counts, sizes.mostRows))),
    ...(await examineGrowth(database, sizes)),
    ...(await examineNewest(database, sizes)),
  ];
}
