import { sql } from 'kysely';

import type { PassKind } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Backlog } from '../backlog/backlog.ts';
import { countBacklog, estimateBacklog } from '../backlog/measure.ts';
import type { LastBacklog } from '../ledger/backlogs.ts';
import { readLastBacklogs } from '../ledger/backlogs.ts';
import { noHolds, readHolds } from '../ledger/holds.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { workOf } from '../passes/index.ts';
import type { PolicyEntities } from '../plan/entities.ts';
import { Scope } from '../plan/scope.ts';
import type { Catalog } from '../sql/catalog.ts';
import type { Tx } from '../sql/transaction.ts';

/** What waits for a pass at this moment, and what its last run left. */
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

/**
 * Measures what waits for the passes of a policy that remove something. `exact` reads whole tables. A ledger of the current
 * version adds what earlier runs left.
 */
export async function readBacklogs(
  tx: Tx,
  ledger: Ledger,
  policy: Policy,
  { entities, catalog }: { readonly entities: PolicyEntities; readonly catalog: Catalog },
  exact: boolean,
): Promise<CurrentBacklog[]> {
  const { rows } = await sql<{ now: string }>`select to_json(now()) #>> '{}' as now`.execute(tx);
  const now = rows[0]?.now ?? new Date().toISOString();
  const names = policy.passes.map(({ name }) => name);
  const isCurrent = (await ledger.version()) === 'current';
  const known = isCurrent ? await readLastBacklogs(ledger, policy.name, names) : undefined;
  const holds = (await readHolds(tx, ledger)) ?? noHolds(ledger);
  const found: CurrentBacklog[] = [];
  for (const pass of policy.passes) {
    const work = workOf(pass.kind);
    if (!('runBatch' in work) || work.waiting === undefined) continue;
    const scope = new Scope({ entities, catalog, now }, policy.passes, pass, 'preview');
    const frozen = work.freeze(pass, scope);
    const table = frozen === undefined ? undefined : catalog.named(frozen.table);
    const common = { pass: pass.name, kind: pass.kind, last: known?.get(pass.name) ?? null };
    if (frozen === undefined || table === undefined || scope.issues.length > 0) {
      found.push({ ...common, now: null, why: UNFIT });
    } else if (frozen.keeps !== undefined && !exact) {
      found.push({ ...common, now: null, why: KEEPS });
    } else {
      const waiting = work.waiting(frozen, 0, holds);
      const look = exact ? countBacklog : estimateBacklog;
      found.push({ ...common, now: await look(tx, table, waiting), why: null });
    }
  }
  return found;
}

const UNFIT = 'the pass does not fit this database: doctor says why';
const KEEPS = 'it keeps the newest rows of groups, which only --exact can tell';
