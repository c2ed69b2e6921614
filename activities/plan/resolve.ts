import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import { checkPolicy } from '../../policy/check.ts';
import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import { PreviewScript } from '../preview/script.ts';
import type { Catalog } from '../sql/catalog.ts';
import { readCatalog } from '../sql/catalog.ts';
import type { TableName } from '../sql/names.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot, tryAndUndo } from '../sql/transaction.ts';
import { distinctTables } from './cascades.ts';
import { entitiesOf, PolicyEntities } from './entities.ts';
import type { Purpose } from './scope.ts';
import { Scope } from './scope.ts';

/** A pass with every name looked up, and the one it was made from. */
export interface ResolvedPass {
  readonly pass: Pass;
  readonly frozen: FrozenPass;
}

/** A policy that fits its database. */
export interface ResolvedPolicy {
  readonly passes: readonly ResolvedPass[];
  /** Names of optional passes without a table in this database. */
  readonly notApplicable: readonly string[];
  readonly catalog: Catalog;
  /** The entities of the policy. Reading them takes MikroORM a discovery, so that it is done once. */
  readonly entities: PolicyEntities;
  /** The database's clock, as `to_json` writes it: what horizons are counted from. */
  readonly now: string;
}

/**
 * Looks up everything that some passes of a policy say, in entity metadata and in the live catalog. Throws one
 * `ValidationError` with everything that is wrong, in the policy and in the database. What was read a moment ago is not read
 * again: all foreign keys of the database are in it.
 */
export async function resolvePolicy(
  tx: Tx,
  policy: Policy,
  passNames: readonly string[],
  purpose: Purpose,
  known?: Pick<ResolvedPolicy, 'catalog' | 'entities'>,
): Promise<ResolvedPolicy> {
  const subject = `policy ${JSON.stringify(policy.name)}`;
  const mistakes: Issue[] = checkPolicy(policy);
  const entities = known?.entities ?? new PolicyEntities(policy);
  const passes = policy.passes.filter((pass) => passNames.includes(pass.name));
  const all = passes.some((pass) => 'runTable' in workOf(pass.kind)) ? policy.passes : passes;
  const tables = all.flatMap(entitiesOf).map((entity) => entities.table(entity));
  const catalog = known?.catalog ?? (await readCatalog(tx, tables));
  const { now, counts, replica } = await readServer(tx);
  if (!counts) mistakes.push({ at: 'database', ...NO_COUNTS });
  if (replica) mistakes.push({ at: 'database', ...REPLICA });
  const resolved: ResolvedPass[] = [];
  const deletedFrom = all === passes ? [] : tablesDeletedFrom(policy, { entities, catalog, now });
  const notApplicable: string[] = [];
  for (const pass of passes) {
    const scope = new Scope({ entities, catalog, now }, passes, pass, purpose, deletedFrom);
    const frozen = workOf(pass.kind).freeze(pass, scope);
    if (pass.optional === true && scope.missesTable) {
      notApplicable.push(pass.name);
      continue;
    }
    const table = frozen === undefined ? undefined : catalog.named(frozen.table);
    if (frozen !== undefined && table !== undefined) scope.mayReadCascades(table, frozen.counted);
    if (frozen !== undefined && !replica) scope.mustAct(frozen.counted);
    mistakes.push(...scope.issues);
    if (frozen !== undefined && scope.issues.length === 0) resolved.push({ pass, frozen });
  }
  if (mistakes.length === 0) mistakes.push(...(await probe(tx, resolved, catalog)));
  assertValid(subject, distinct(mistakes));
  return { passes: resolved, notApplicable, catalog, entities, now };
}

/** All tables that a policy deletes from, also by passes that this run leaves out; their mistakes are not of this run. */
export function tablesDeletedFrom(
  { passes }: Policy,
  known: Pick<Scope, 'entities' | 'catalog' | 'now'>,
): TableName[] {
  const frozen = passes
    .filter((pass) => 'runBatch' in workOf(pass.kind))
    .map((pass) => workOf(pass.kind).freeze(pass, new Scope(known, passes, pass, 'preview')));
  return distinctTables(frozen.flatMap((pass) => pass?.counted ?? []));
}

/** Looking a policy up reads catalogs and a few hundred pages. */
export const LOOK_UP_LIMITS = { lockMillis: 5_000, statementMillis: 60_000 };

/** The same on a snapshot of its own, for those who only want to know whether a run could begin. */
export async function checkAgainst(
  db: Kysely<unknown>,
  policy: Policy,
  passNames: readonly string[],
  purpose: Purpose,
): Promise<ResolvedPolicy> {
  return inSnapshot(db, LOOK_UP_LIMITS, async (tx) => resolvePolicy(tx, policy, passNames, purpose));
}

/** Whether the database understands each pass: its statement is planned and not run. */
async function probe(tx: Tx, passes: readonly ResolvedPass[], catalog: Catalog): Promise<Issue[]> {
  const mistakes: Issue[] = [];
  for (const { pass, frozen } of passes) {
    const script = new PreviewScript(catalog);
    script.begin(pass.name);
    workOf(pass.kind).preview(frozen, script);
    try {
      await tryAndUndo(tx, async () => sql`explain ${script.statement()}`.execute(tx));
    } catch (error) {
      if (readDatabaseError(error)?.verdict !== 'stop') throw error;
      mistakes.push({
        at: `pass ${JSON.stringify(pass.name)}`,
        what: 'the database does not understand its condition',
        fix: 'Mend its where, or the type of the properties in it',
        here: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return mistakes;
}

/** What rows a transaction deleted, cascades included, is known from the server's own counters. */
const NO_COUNTS = {
  what: 'it does not count what is deleted (track_counts is off), so that no run could be accounted for',
  fix: 'Set track_counts = on, which autovacuum needs as well',
};

const REPLICA = {
  what: 'no foreign key does anything in sessions of its role (session_replication_role is replica), so that rows would be left that name others that are gone',
  fix: 'Use another role, or reset it: alter role ... reset session_replication_role',
};

interface Server {
  readonly now: string;
  readonly counts: boolean;
  readonly replica: boolean;
}

async function readServer(tx: Tx): Promise<Server> {
  const { rows } = await sql<Server>`
    select
      to_json(now()) #>> '{}' as now,
      current_setting('track_counts')::boolean as counts,
      current_setting('session_replication_role') = 'replica' as replica`.execute(tx);
  return rows[0] ?? { now: new Date().toISOString(), counts: true, replica: false };
}

/** The same table can be missing for several passes: said once is enough. */
function distinct(mistakes: readonly Issue[]): Issue[] {
  const said = new Map<string, Issue>();
  for (const mistake of mistakes) {
    const key = `${mistake.what} ${mistake.fix} ${mistake.here ?? ''}`;
    const earlier = said.get(key);
    if (earlier === undefined) said.set(key, mistake);
    else if (!earlier.at.split(', ').includes(mistake.at)) {
      said.set(key, { ...earlier, at: `${earlier.at}, ${mistake.at}` });
    }
  }
  return [...said.values()];
}
