import type { PassKind } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Catalog } from '../dialect/catalog.ts';
import { describeDatabaseError } from '../dialect/database-error.ts';
import type { Tx } from '../dialect/dialect.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import { NO_HOLDS } from '../ledger/holds.ts';
import { findKind } from '../passes/index.ts';
import { hasBacklog, measureBacklog } from '../plan/measure-backlog.ts';
import type { PolicyEntities } from '../resolve/entities.ts';
import { Scope } from '../resolve/scope.ts';
import type { Backlog, LastBacklog } from '../stored/backlog.ts';

/** The backlog of a pass at this moment, and what its last run left. */
export interface CurrentBacklog {
  readonly pass: string;
  readonly kind: PassKind;
  /** Null if it is not known: `why` says why. */
  readonly now: Backlog | null;
  /** A sentence; null if it is known. */
  readonly why: string | null;
  /** Null if no run has measured. */
  readonly last: LastBacklog | null;
}

/** Measures in a savepoint: a filter that fails on some row, or may not be read, must not hide the rest. */
async function tryToMeasure(
  tx: Tx,
  measure: () => Promise<Backlog | undefined>,
): Promise<Pick<CurrentBacklog, 'now' | 'why'>> {
  try {
    return { now: (await tx.tryAndUndo(measure)) ?? null, why: null };
  } catch (error) {
    const database = readDatabaseError(error);
    if (database?.verdict !== 'stop') throw error;
    return { now: null, why: `its condition fails in the database: ${describeDatabaseError(database)}` };
  }
}

const DOES_NOT_FIT = 'the pass does not fit this database: doctor says why';
const KEEPS_ROWS = 'it keeps the newest rows of groups, which only --exact can tell';

/**
 * Measures the backlog of the passes of a policy that remove something. `exact` reads whole tables. A ledger of the current
 * version adds what earlier runs left.
 */
export async function readCurrentBacklogs(
  tx: Tx,
  policy: Policy,
  { entities, catalog }: { readonly entities: PolicyEntities; readonly catalog: Catalog },
  exact: boolean,
): Promise<CurrentBacklog[]> {
  const { now } = await tx.facts.readServer();
  const names = policy.passes.map(({ name }) => name);
  const isCurrent = (await tx.ledger.tables.readVersion()) === 'current';
  const known = isCurrent ? await tx.ledger.backlogs.readLast(policy.name, names) : undefined;
  const holds = (await tx.ledger.holds.readInForce()) ?? NO_HOLDS;
  const backlogs: CurrentBacklog[] = [];
  for (const pass of policy.passes) {
    const kind = findKind(pass.kind);
    if (!hasBacklog(pass.kind)) continue;
    const scope = new Scope({ entities, catalog, now }, policy.passes, pass, 'preview');
    const found = kind.resolve(pass, scope);
    const table = found === undefined ? undefined : catalog.named(found.table);
    const read = found === undefined || table === undefined || scope.issues.length > 0;
    const stored = read ? found : ((await kind.readRows?.(found, tx, table, catalog)) ?? found);
    const common = { pass: pass.name, kind: pass.kind, last: known?.get(pass.name) ?? null };
    if (stored === undefined || table === undefined || scope.issues.length > 0) {
      backlogs.push({ ...common, now: null, why: DOES_NOT_FIT });
    } else if (stored.keeps !== undefined && !exact) {
      backlogs.push({ ...common, now: null, why: KEEPS_ROWS });
    } else {
      const measure = async (): Promise<Backlog | undefined> =>
        (await measureBacklog(tx, table, stored, { holds, now }, exact))?.found;
      backlogs.push({ ...common, ...(await tryToMeasure(tx, measure)) });
    }
  }
  return backlogs;
}
