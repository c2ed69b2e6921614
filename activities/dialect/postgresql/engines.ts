import { sql } from 'kysely';

import type { ServerProblem } from '../facts.ts';
import type { Connection } from './connection.ts';

/**
 * Databases that speak PostgreSQL's protocol and are none, by what `version()` says, and why each cannot be cleaned. Those
 * that are PostgreSQL on another disk (Aurora, RDS, AlloyDB, Neon, Azure, Supabase) call themselves PostgreSQL, and work.
 */
const ENGINES: readonly (readonly [RegExp, string, string])[] = [
  [/CockroachDB/i, 'CockroachDB', 'its rows have no ctid, and its advisory locks lock nothing'],
  [/-YB-/i, 'YugabyteDB', 'its rows have no ctid in the order of a table'],
  [/Greenplum/i, 'Greenplum', 'its rows have one ctid for each segment'],
  [/Redshift/i, 'Amazon Redshift', 'it has no ctid, no foreign keys that act and no advisory locks'],
  [/openGauss|GaussDB/i, 'openGauss', 'its counters of deleted rows are not those of PostgreSQL'],
  [/Materialize/i, 'Materialize', 'it has no transactions that delete'],
  [/CrateDB/i, 'CrateDB', 'it has no transactions'],
  [/QuestDB/i, 'QuestDB', 'it cannot delete rows'],
];

const FIX = 'Use PostgreSQL, or a service that runs it; for this database use its own expiry of rows';

/** Why the database is none that can be cleaned, in a statement that all of them understand. */
export async function findUnsupported({ db }: Connection): Promise<ServerProblem | undefined> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(db);
  const version = rows[0]?.version ?? '';
  const engine = ENGINES.find(([pattern]) => pattern.test(version));
  if (engine === undefined) return undefined;
  const [, name, why] = engine;
  return { what: `it is ${name} and not PostgreSQL: ${why}`, fix: FIX };
}
