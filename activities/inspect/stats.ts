import { checkPolicy } from '../../policy/check.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Catalog } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { distinctTables } from '../dialect/table-names.ts';
import type { TransactionLimits } from '../dialect/transaction-limits.ts';
import type { Database } from '../ledger/database.ts';
import { findKind } from '../passes/index.ts';
import { readPolicyCatalog, readPolicyEntities, tablesDeletedFrom } from '../plan/resolve-policy.ts';
import type { PolicyEntities } from '../resolve/entities.ts';
import type { TableName } from '../stored/columns.ts';
import type { TableSize, VacuumBlocker } from '../stored/size.ts';
import type { CurrentBacklog } from './current-backlog.ts';
import { readCurrentBacklogs } from './current-backlog.ts';

/** How large the tables of a policy are, the backlog in them, and what keeps vacuum from making them smaller. */
export interface Stats {
  readonly policy: string;
  readonly tables: readonly TableSize[];
  /** Of each pass that removes something. */
  readonly backlog: readonly CurrentBacklog[];
  /** Exact bloat was asked for, and the database cannot tell it. */
  readonly noExtension: boolean;
  readonly vacuumBlockers: readonly VacuumBlocker[];
  /** Sessions of other roles, which may be vacuum blockers, were hidden. */
  readonly hidden: boolean;
}

/**
 * Measures the tables that a policy names or deletes from, cascades included, and the backlog of its passes. Needs no
 * Temporal and no ledger, and changes nothing. `exact` counts the backlog, and measures bloat if the database has the
 * extension for it; both can take minutes.
 */
export async function readStats(
  { session }: Pick<Database, 'session'>,
  policy: Policy,
  exact: boolean,
  signal?: AbortSignal,
): Promise<Stats> {
  assertValid(`policy ${JSON.stringify(policy.name)}`, checkPolicy(policy));
  return session.snapshot({ lockMillis: 5_000, statementMillis: 0 }, async (tx) =>
    tx.cancelOn(signal, async () => {
      const known = await lookUp(tx, policy);
      const tables = listTables(policy, known);
      // The extension measures no partitioned table: its bloat stays the estimate of its partitions.
      const measurable = exact ? tables.filter((table) => known.catalog.named(table)?.kind === 'table') : [];
      const { sizes, hasExtension } = await measureTables(tx, tables, measurable);
      const { blockers = [], hidden = false } = (await tx.sizes?.readVacuumBlockers()) ?? {};
      return {
        policy: policy.name,
        tables: sizes,
        backlog: await readCurrentBacklogs(tx, policy, known, exact),
        noExtension: exact && !hasExtension,
        vacuumBlockers: blockers,
        hidden,
      };
    }),
  );
}

/** The sizes alone: from catalog and statistics, cheap however large the tables are. */
export async function readTableSizes(
  { session }: Pick<Database, 'session'>,
  policy: Policy,
  limits: TransactionLimits,
): Promise<readonly TableSize[]> {
  assertValid(`policy ${JSON.stringify(policy.name)}`, checkPolicy(policy));
  return session.snapshot(limits, async (tx) => {
    const { sizes } = await measureTables(tx, listTables(policy, await lookUp(tx, policy)), []);
    return sizes;
  });
}

interface KnownPolicy {
  readonly entities: PolicyEntities;
  readonly catalog: Catalog;
}

async function lookUp(tx: Tx, policy: Policy): Promise<KnownPolicy> {
  const entities = readPolicyEntities(tx, policy);
  return { entities, catalog: await readPolicyCatalog(tx, policy.passes, entities) };
}

/** Tables of entities that the database does not have are left out. */
function listTables(policy: Policy, { entities, catalog }: KnownPolicy): TableName[] {
  const named = policy.passes
    .filter(({ kind }) => 'runTable' in findKind(kind))
    .flatMap((pass) => findKind(pass.kind).entities(pass))
    .map((entity) => entities.table(entity))
    .map(({ schema, name }) => catalog.find(schema, name))
    .filter((table) => table?.kind === 'table' || table?.kind === 'partitioned');
  const deleted = tablesDeletedFrom(policy, { entities, catalog, now: new Date().toISOString() });
  return distinctTables([...deleted, ...named.filter((table) => table !== undefined)]);
}

async function measureTables(
  tx: Tx,
  tables: readonly TableName[],
  measurable: readonly TableName[],
): Promise<{ readonly sizes: TableSize[]; readonly hasExtension: boolean }> {
  const sizes: TableSize[] = [];
  let hasExtension = tx.sizes !== undefined;
  for (const size of (await tx.sizes?.read(tables)) ?? []) {
    const table = measurable.find(({ label }) => label === size.table);
    const bloat = table === undefined ? undefined : await tx.sizes?.measureBloat(table);
    if (table !== undefined && bloat === undefined) hasExtension = false;
    sizes.push(bloat === undefined ? size : { ...size, bloat });
  }
  return { sizes, hasExtension };
}
