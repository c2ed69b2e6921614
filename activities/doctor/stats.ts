import { checkPolicy } from '../../policy/check.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { distinctTables } from '../plan/cascades.ts';
import { entitiesOf, PolicyEntities } from '../plan/entities.ts';
import { tablesDeletedFrom } from '../plan/resolve.ts';
import { cancelledBy } from '../sql/cancel.ts';
import type { Catalog } from '../sql/catalog.ts';
import { readCatalog } from '../sql/catalog.ts';
import type { Hindrances } from '../sql/hindrances.ts';
import { readHindrances } from '../sql/hindrances.ts';
import type { TableName } from '../sql/names.ts';
import { findPgstattuple, readExactBloat, readSizes } from '../sql/sizes.ts';
import type { TableSize } from '../sql/sizes.ts';
import type { TransactionLimits, Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';
import type { CurrentBacklog } from './backlogs.ts';
import { readBacklogs } from './backlogs.ts';

/** How large the tables of a policy are, what waits in them, and what keeps vacuum from making them smaller. */
export interface Stats extends Hindrances {
  readonly policy: string;
  readonly tables: readonly TableSize[];
  /** Of each pass that removes something. */
  readonly backlog: readonly CurrentBacklog[];
  /** Exact bloat was asked for, and the database cannot tell it. */
  readonly noExtension: boolean;
}

/**
 * Measures the tables that a policy names or deletes from, cascades included, and looks at what waits for its passes.
 * Needs no Temporal and no ledger, and changes nothing. `exact` counts what waits, and measures bloat where the
 * database has the extension for it; both can take minutes.
 */
export async function readStats(
  { db, ledger }: Database,
  policy: Policy,
  exact: boolean,
  signal?: AbortSignal,
): Promise<Stats> {
  assertValid(`policy ${JSON.stringify(policy.name)}`, checkPolicy(policy));
  return inSnapshot(db, { lockMillis: 5_000, statementMillis: 0 }, async (tx) =>
    cancelledBy(signal, db, tx, async () => {
      const known = await lookUp(tx, policy);
      const tables = tablesOf(policy, known);
      const sizes = await readSizes(tx, tables);
      const schema = exact ? await findPgstattuple(tx) : undefined;
      const noExtension = exact && schema === undefined;
      const hindrances = await readHindrances(tx);
      const measured = schema === undefined ? sizes : await withExactBloat(tx, schema, tables, sizes);
      const backlog = await readBacklogs(tx, ledger, policy, known, exact);
      return { policy: policy.name, tables: measured, backlog, noExtension, ...hindrances };
    }),
  );
}

/** The sizes alone: from catalog and statistics, cheap however large the tables are. */
export async function readTableSizes(
  { db }: Pick<Database, 'db'>,
  policy: Policy,
  limits: TransactionLimits,
): Promise<readonly TableSize[]> {
  assertValid(`policy ${JSON.stringify(policy.name)}`, checkPolicy(policy));
  return inSnapshot(db, limits, async (tx) => readSizes(tx, tablesOf(policy, await lookUp(tx, policy))));
}

interface Known {
  readonly entities: PolicyEntities;
  readonly catalog: Catalog;
}

async function lookUp(tx: Tx, policy: Policy): Promise<Known> {
  const entities = new PolicyEntities(policy);
  const asked = policy.passes.flatMap(entitiesOf).map((entity) => entities.table(entity));
  return { entities, catalog: await readCatalog(tx, asked) };
}

/** Tables of entities that the database does not have are left out. */
function tablesOf(policy: Policy, { entities, catalog }: Known): TableName[] {
  const named = policy.passes
    .flatMap((pass) => ('entities' in pass ? (pass.entities ?? []) : []))
    .map((entity) => entities.table(entity))
    .map(({ schema, name }) => catalog.find(schema, name))
    .filter((table) => table?.relkind === 'r');
  const deleted = tablesDeletedFrom(policy, { entities, catalog, now: new Date().toISOString() });
  return distinctTables([...deleted, ...named.filter((table) => table !== undefined)]);
}

async function withExactBloat(
  tx: Tx,
  schema: string,
  tables: readonly TableName[],
  sizes: readonly TableSize[],
): Promise<TableSize[]> {
  const exact: TableSize[] = [];
  for (const size of sizes) {
    const table = tables.find(({ label }) => label === size.table);
    exact.push(table === undefined ? size : { ...size, bloat: await readExactBloat(tx, schema, table) });
  }
  return exact;
}
