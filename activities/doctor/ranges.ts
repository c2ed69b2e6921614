import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { Policy } from '../../policy/policy.ts';
import { instantOf } from '../ledger/reported.ts';
import { workOf } from '../passes/index.ts';
import { entitiesOf, PolicyEntities } from '../plan/entities.ts';
import { Scope } from '../plan/scope.ts';
import { cancelledBy } from '../sql/cancel.ts';
import { readCatalog } from '../sql/catalog.ts';
import type { ColumnName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import { ageOf } from '../sql/retention.ts';
import { newestAgeOf, oldestOf } from '../sql/span.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';

/** How many rows a table has, and from when to when they are. */
export interface TableRange {
  readonly table: string;
  /** The passes whose age it is. */
  readonly passes: readonly string[];
  readonly rows: number;
  /** ISO 8601; null where no row has an age. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

/**
 * Counts the tables that the passes of a policy walk, with the age of the oldest and the newest row. Reads them whole.
 * Tables that the database does not have are left out.
 */
export async function readRanges(
  db: Kysely<unknown>,
  policy: Policy,
  signal?: AbortSignal,
): Promise<TableRange[]> {
  return inSnapshot(db, { lockMillis: 5_000, statementMillis: 0 }, async (tx) =>
    cancelledBy(signal, db, tx, async () => rangesOf(tx, policy)),
  );
}

async function rangesOf(tx: Tx, policy: Policy): Promise<TableRange[]> {
  const entities = new PolicyEntities(policy);
  const asked = policy.passes.flatMap(entitiesOf).map((entity) => entities.table(entity));
  const known = { entities, catalog: await readCatalog(tx, asked), now: new Date().toISOString() };
  const ranges = new Map<string, TableRange>();
  for (const pass of policy.passes) {
    const frozen = workOf(pass.kind).freeze(pass, new Scope(known, policy.passes, pass, 'preview'));
    const { ages, age } = (frozen ?? {}) as {
      ages?: readonly [ColumnName, ...ColumnName[]];
      age?: ColumnName;
    };
    const columns = ages ?? (age === undefined ? undefined : ([age] as const));
    if (frozen === undefined || columns === undefined) continue;
    const { table } = frozen;
    const key = `${table.label} ${columns.map(({ name }) => name).join(' ')}`;
    const before = ranges.get(key);
    if (before !== undefined) {
      ranges.set(key, { ...before, passes: [...before.passes, pass.name] });
      continue;
    }
    const { rows } = await sql<{ rows: number; oldest: number | null; newest: number | null }>`
      select count(*)::float8 as rows, ${oldestOf('r')} as oldest, ${newestAgeOf('r')} as newest
      from (select ${ageOf('t', columns)} as age from ${tableOf(table)} as t) as r`.execute(tx);
    ranges.set(key, {
      table: table.label,
      passes: [pass.name],
      rows: rows[0]?.rows ?? 0,
      oldest: instantOf(rows[0]?.oldest ?? null),
      newest: instantOf(rows[0]?.newest ?? null),
    });
  }
  return [...ranges.values()];
}
