import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { Policy } from '../../policy/policy.ts';
import { instantOf } from '../ledger/reported.ts';
import type { FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import { distinctTables } from '../plan/cascades.ts';
import { entitiesOf, PolicyEntities } from '../plan/entities.ts';
import { Scope } from '../plan/scope.ts';
import { cancelledBy } from '../sql/cancel.ts';
import { readCatalog } from '../sql/catalog.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import { ageOf } from '../sql/retention.ts';
import { newestAgeOf, oldestOf } from '../sql/span.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';

/** How many rows a table has, and from when to when they are. */
export interface TableRange {
  readonly table: string;
  /** The passes that delete from it, by themselves or along with rows of another table, or that report its rows. */
  readonly passes: readonly string[];
  readonly rows: number;
  /** By the age of the first pass that goes by one. ISO 8601; null where none does or no row has an age. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

type Ages = readonly [ColumnName, ...ColumnName[]];

interface Asked {
  readonly table: TableName;
  readonly passes: readonly string[];
  readonly ages: Ages | undefined;
}

/**
 * Counts each table that the passes of a policy delete from, with the age of the oldest and the newest row. Reads them whole.
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
  const asking = new Map<string, Asked>();
  for (const pass of policy.passes) {
    const frozen = workOf(pass.kind).freeze(pass, new Scope(known, policy.passes, pass, 'preview'));
    if (frozen === undefined) continue;
    const ages = agesOf(frozen);
    const own = ages === undefined ? [] : [frozen.table];
    for (const table of distinctTables([...own, ...frozen.counted])) {
      const before = asking.get(table.label) ?? { table, passes: [], ages: undefined };
      const found = before.ages ?? (table.label === frozen.table.label ? ages : undefined);
      asking.set(table.label, { table, passes: [...before.passes, pass.name], ages: found });
    }
  }
  const ranges: TableRange[] = [];
  for (const { table, passes, ages } of asking.values()) {
    const age = ages === undefined ? sql`null::timestamptz` : ageOf('t', ages);
    const { rows } = await sql<{ rows: number; oldest: number | null; newest: number | null }>`
      select count(*)::float8 as rows, ${oldestOf('r')} as oldest, ${newestAgeOf('r')} as newest
      from (select ${age} as age from ${tableOf(table)} as t) as r`.execute(tx);
    const { rows: count = 0, oldest = null, newest = null } = rows[0] ?? {};
    const span = { oldest: instantOf(oldest), newest: instantOf(newest) };
    ranges.push({ table: table.label, passes, rows: count, ...span });
  }
  return ranges;
}

/** The age that a pass goes by; undefined where it goes by none. */
function agesOf(frozen: FrozenPass): Ages | undefined {
  const { ages, age } = frozen as FrozenPass & { readonly ages?: Ages; readonly age?: ColumnName };
  return ages ?? (age === undefined ? undefined : [age]);
}
