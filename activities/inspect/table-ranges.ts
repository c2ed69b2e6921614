import type { Policy } from '../../policy/policy.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import { distinctTables } from '../dialect/table-names.ts';
import { findKind } from '../passes/index.ts';
import { readPolicyCatalog, readPolicyEntities } from '../plan/resolve-policy.ts';
import { Scope } from '../resolve/scope.ts';
import type { Ages, TableName } from '../stored/columns.ts';
import { toIsoInstant } from '../stored/instant.ts';

/** How many rows a table has, and their oldest and newest age. */
export interface TableRange {
  readonly table: string;
  /** The passes that delete from it, by themselves or along with rows of another table, or that report its rows. */
  readonly passes: readonly string[];
  readonly rows: number;
  /** By the age of the first pass that has one. ISO 8601; null if none has or no row has an age. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

interface WantedRange {
  readonly table: TableName;
  readonly passes: readonly string[];
  readonly ages: Ages | undefined;
}

/**
 * Counts each table that the passes of a policy delete from, with the age of the oldest and the newest row. Reads them whole.
 * Tables that the database does not have are left out.
 */
export async function readTableRanges(
  session: Session,
  policy: Policy,
  signal?: AbortSignal,
): Promise<TableRange[]> {
  return session.snapshot({ lockMillis: 5_000, statementMillis: 0 }, async (tx) =>
    tx.cancelOn(signal, async () => {
      const ranges: TableRange[] = [];
      for (const { table, passes, ages } of await listWanted(tx, policy)) {
        const { rows, oldest, newest } = await tx.tables.readRange(table, ages);
        const range = { oldest: toIsoInstant(oldest), newest: toIsoInstant(newest) };
        ranges.push({ table: table.label, passes, rows, ...range });
      }
      return ranges;
    }),
  );
}

async function listWanted(tx: Tx, policy: Policy): Promise<WantedRange[]> {
  const entities = readPolicyEntities(tx, policy);
  const catalog = await readPolicyCatalog(tx, policy.passes, entities);
  const known = { entities, catalog, now: new Date().toISOString() };
  const wanted = new Map<string, WantedRange>();
  for (const pass of policy.passes) {
    const stored = findKind(pass.kind).resolve(pass, new Scope(known, policy.passes, pass, 'preview'));
    if (stored === undefined) continue;
    const { ages } = stored;
    const own = ages === undefined ? [] : [stored.table];
    for (const table of distinctTables([...own, ...stored.counted])) {
      const before = wanted.get(table.label) ?? { table, passes: [], ages: undefined };
      const found = before.ages ?? (table.label === stored.table.label ? ages : undefined);
      wanted.set(table.label, { table, passes: [...before.passes, pass.name], ages: found });
    }
  }
  return [...wanted.values()];
}
