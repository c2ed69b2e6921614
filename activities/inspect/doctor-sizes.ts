import prettyMs from 'pretty-ms';

import { countNouns } from '../../policy/count-nouns.ts';
import { formatBytes } from '../../policy/format-bytes.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Advice } from '../dialect/advice.ts';
import type { Database } from '../ledger/database.ts';
import type { TableSize, VacuumBlocker } from '../stored/size.ts';
import { isBloated } from './bloat.ts';
import type { Finding } from './finding.ts';
import type { Stats } from './stats.ts';
import { readStats } from './stats.ts';

/** Prefect's guide: from a fifth dead rows on a table is to be watched, from a half on vacuumed, above all it is urgent. */
const WATCH = 0.2;
const VACUUM = 0.5;
const URGENT = 1;
/** A table with fewer dead rows is small. */
const MIN_DEAD = 1000;

/** Dead rows and bloat over thresholds, and what keeps vacuum from removing them. */
export async function examineSizes(database: Database, policy: Policy): Promise<Finding[]> {
  let stats: Stats;
  try {
    stats = await readStats(database, policy, false);
  } catch (error) {
    // The finding about the policy says what is wrong with it.
    if (error instanceof ValidationError) return [];
    throw error;
  }
  const whole = await examineWhole(database);
  const tables = stats.tables.flatMap((table) => examineTable(table, database.session.advice));
  const hasDead = stats.tables.some((table) => computeDeadPart(table) > WATCH);
  const blockers = hasDead ? stats.vacuumBlockers.map(toFinding) : [];
  if (tables.length > 0) return [...tables, ...blockers, ...whole];
  const what = `dead rows and bloat of ${countNouns(stats.tables.length, 'table')} are within bounds`;
  return [{ about: 'sizes', state: 'ok', what }, ...blockers, ...whole];
}

function examineTable(size: TableSize, advice: Advice): Finding[] {
  const part = computeDeadPart(size);
  const about = `table ${size.table}`;
  if (part > WATCH) {
    const percent = Math.round(100 * part);
    const urgency = part > URGENT ? ', which is urgent' : part > VACUUM ? '' : ', which is to be watched';
    const last = size.lastVacuum ?? size.lastAutovacuum;
    const when = last === null ? 'was never vacuumed' : `was vacuumed ${formatInstant(last)}`;
    const what = `${countNouns(size.dead, 'dead row')}, ${percent} % of the live ones${urgency}; it ${when}`;
    return [{ about, state: 'advice', what, fix: advice.suggestVacuum(size.table) }];
  }
  const findings: Finding[] = [];
  if (isBloated(size.bloat)) {
    const what = `about ${size.bloat.percent} % of its heap is empty (${size.bloat.by}); new rows will fill it`;
    const fix = 'Nothing, unless the disk is needed: then a reclaimSpace pass with mode full';
    findings.push({ about, state: 'advice', what, fix });
  }
  if (isBloated(size.indexBloat)) {
    const { bytes, percent, by } = size.indexBloat;
    const what = `about ${percent} % of its indexes is empty, ${formatBytes(bytes)} (${by}); a vacuum keeps it, and lookups read more pages`;
    const fix = `${advice.suggestReindex?.(size.table) ?? ''} Or add a reclaimSpace pass with mode reindex`;
    findings.push({ about, state: 'advice', what, fix });
  }
  return findings;
}

/** What it takes to give back the space of a database whose tables have none of their own. */
async function examineWhole({ session: { reclaim } }: Database): Promise<Finding[]> {
  const plan = await reclaim?.planWhole?.('full');
  if (plan === undefined) return [];
  const { bytes, unusedBytes, neededBytes, freeBytes, blockedMillis } = plan;
  const what =
    `${formatBytes(unusedBytes)} of ${formatBytes(bytes)} are unused, and new rows fill them. Mode full of reclaimSpace would need ` +
    `${formatBytes(neededBytes)} of free disk (there are ${formatBytes(freeBytes)}), and nobody else could write for about ${prettyMs(blockedMillis, { secondsDecimalDigits: 0 })}`;
  return [{ about: 'database file', state: 'ok', what }];
}

/** Dead rows by the live ones; 0 if they are few. */
function computeDeadPart({ live, dead }: TableSize): number {
  return dead < MIN_DEAD ? 0 : dead / Math.max(1, live);
}

function toFinding({ kind, name, seconds, detail, fix }: VacuumBlocker): Finding {
  const age = seconds === null ? '' : ` for ${Math.round(seconds)} s`;
  return { about: 'vacuum', state: 'advice', what: `${kind} ${name} (${detail}) holds it back${age}`, fix };
}
