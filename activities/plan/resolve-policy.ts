import { checkPolicy } from '../../policy/check.ts';
import type { Issue } from '../../policy/issue.ts';
import { assertValid, ValidationError } from '../../policy/issue.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Catalog, ForeignKey } from '../dialect/catalog.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import { distinctTables } from '../dialect/table-names.ts';
import { findKind, listEntities } from '../passes/index.ts';
import { PolicyEntities } from '../resolve/entities.ts';
import type { Purpose } from '../resolve/scope.ts';
import { Scope } from '../resolve/scope.ts';
import { refuseUncountable } from '../resolve/uncountable.ts';
import type { TableName } from '../stored/columns.ts';
import { checkStatements } from './check-statements.ts';
import { addSchema } from './pass-schema.ts';
import type { ResolvedPass } from './resolved-pass.ts';

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
 * Looks up everything that some passes of a policy name, in entity metadata and in the live catalog. Throws one
 * `ValidationError` with everything that is wrong, in the policy and in the database. What was read a moment ago is not read
 * again: all foreign keys of the database are in it.
 */
export async function resolvePolicy(
  tx: Tx,
  policy: Policy,
  passNames: readonly string[],
  purpose: Purpose,
  known?: Pick<ResolvedPolicy, 'catalog' | 'entities' | 'passes'>,
): Promise<ResolvedPolicy> {
  const issues: Issue[] = checkPolicy(policy);
  try {
    return await lookUpPolicy(tx, policy, passNames, purpose, issues, known);
  } catch (error) {
    // What cannot be read adds to the other issues; options of a wrong type cannot be looked up at all.
    if (error instanceof ValidationError) issues.push(...error.issues);
    else if (!(error instanceof TypeError)) throw error;
    assertValid(`policy ${JSON.stringify(policy.name)}`, distinct(issues));
    throw error;
  }
}

/** Looks up the names of a policy of which the issues so far are known. Throws what is wrong with the names. */
async function lookUpPolicy(
  tx: Tx,
  policy: Policy,
  passNames: readonly string[],
  purpose: Purpose,
  earlier: readonly Issue[],
  known?: Pick<ResolvedPolicy, 'catalog' | 'entities' | 'passes'>,
): Promise<ResolvedPolicy> {
  const issues: Issue[] = [];
  const entities = known?.entities ?? readPolicyEntities(tx, policy);
  const passes = policy.passes.filter((pass) => passNames.includes(pass.name));
  const all = passes.some((pass) => 'runTable' in findKind(pass.kind)) ? policy.passes : passes;
  const catalog = known?.catalog ?? (await readPolicyCatalog(tx, all, entities));
  const { now, problems, ignoresForeignKeys } = await tx.facts.readServer();
  const inTheWay = problems.filter(({ whenWriting }) => whenWriting !== true || purpose === 'execute');
  issues.push(...inTheWay.map(({ what, fix }) => ({ at: 'database', what, fix })));
  const resolved: ResolvedPass[] = [];
  const deletedFrom = all === passes ? [] : tablesDeletedFrom(policy, { entities, catalog, now });
  const notApplicable: string[] = [];
  for (const pass of passes) {
    const scope = new Scope({ entities, catalog, now }, passes, pass, purpose, deletedFrom);
    const stored = findKind(pass.kind).resolve(pass, scope);
    if (pass.optional === true && scope.missesTable) {
      notApplicable.push(pass.name);
      continue;
    }
    if (stored !== undefined) {
      scope.mayReadCascades(stored);
      if (!ignoresForeignKeys) refuseIdleKeys(stored.counted, scope);
      refuseUncountable(stored.counted, scope);
      refuseHiddenOperators(stored.counted, scope);
    }
    issues.push(...scope.issues);
    if (stored !== undefined && scope.issues.length === 0) resolved.push({ pass, stored });
  }
  // What is known was checked a moment ago: twice took 353 round trips in the first run on a database, once 168.
  if (issues.length + earlier.length === 0 && known === undefined)
    issues.push(...(await checkStatements(tx, resolved, catalog, purpose)));
  if (issues.length + earlier.length > 0) throw new ValidationError('policy', issues);
  const complete = await addSchema(tx, await readRows(tx, resolved, catalog), catalog, known?.passes);
  return { passes: complete, notApplicable, catalog, entities, now };
}

/** Completes passes by what only the rows or the planner tell. */
async function readRows(tx: Tx, passes: readonly ResolvedPass[], catalog: Catalog): Promise<ResolvedPass[]> {
  const complete: ResolvedPass[] = [];
  for (const { pass, stored } of passes) {
    const table = catalog.named(stored.table);
    const read = table === undefined ? undefined : findKind(pass.kind).readRows?.(stored, tx, table, catalog);
    complete.push({ pass, stored: (await read) ?? stored });
  }
  return complete;
}

/** What the metadata says of all entities of a policy. */
export function readPolicyEntities(session: Pick<Session, 'readEntities'>, policy: Policy): PolicyEntities {
  return new PolicyEntities(session, policy, [...policy.entities, ...listEntities(policy.passes)]);
}

/** What the database says of the tables of some passes. */
export async function readPolicyCatalog(
  tx: Tx,
  passes: readonly Pass[],
  entities: PolicyEntities,
): Promise<Catalog> {
  const scanned = new Set(passes.flatMap((pass) => findKind(pass.kind).leaves?.(pass) ?? []));
  const wanted = listEntities(passes).map((entity) => ({
    ...entities.table(entity),
    leaves: scanned.has(entity),
  }));
  return tx.facts.readCatalog(wanted);
}

/** All tables that a policy deletes from, also by passes that this run leaves out; their issues are not of this run. */
export function tablesDeletedFrom(
  { passes }: Policy,
  known: Pick<Scope, 'entities' | 'catalog' | 'now'>,
): TableName[] {
  const stored = passes
    .filter((pass) => 'runBatch' in findKind(pass.kind))
    .map((pass) => findKind(pass.kind).resolve(pass, new Scope(known, passes, pass, 'preview')));
  return distinctTables(stored.flatMap((pass) => pass?.counted ?? []));
}

/** Looking a policy up reads catalogs and a few hundred pages. */
export const LOOK_UP_LIMITS = { lockMillis: 5_000, statementMillis: 60_000 };

/** The same on a snapshot of its own, for those who only want to know whether a run could begin. */
export async function checkAgainst(
  session: Session,
  policy: Policy,
  passNames: readonly string[],
  purpose: Purpose,
): Promise<ResolvedPolicy> {
  return session.snapshot(LOOK_UP_LIMITS, async (tx) => resolvePolicy(tx, policy, passNames, purpose));
}

/** The same table can be missing for several passes: one report is enough. */
function distinct(issues: readonly Issue[]): Issue[] {
  const reported = new Map<string, Issue>();
  for (const issue of issues) {
    const key = `${issue.what} ${issue.fix} ${issue.here ?? ''}`;
    const earlier = reported.get(key);
    if (earlier === undefined) reported.set(key, issue);
    else if (!earlier.at.split(', ').includes(issue.at)) {
      reported.set(key, { ...earlier, at: `${earlier.at}, ${issue.at}` });
    }
  }
  return [...reported.values()];
}

/** Refuses foreign keys to deleted rows that the database ignores: rows that reference them would stay. */
function refuseIdleKeys(counted: readonly TableName[], scope: Scope): void {
  const { catalog } = scope;
  for (const { name, child } of listKeysTo(counted, scope).filter(({ enforced }) => !enforced)) {
    scope.addIssue(
      'the database does not heed a foreign key to rows that go, so that others would be left that name them: it is not enforced, or its triggers are disabled',
      'Enable them, with `alter table ... enable trigger all` on both of its tables; or drop the foreign key and name its entity as a soft child',
      `foreign key ${name} of ${catalog.findLabel(child) ?? 'another table'}`,
    );
  }
}

/**
 * Refuses foreign keys to deleted rows that compare by another operator than our statements: they would find other rows than
 * the database deletes along.
 */
function refuseHiddenOperators(counted: readonly TableName[], scope: Scope): void {
  for (const { name } of listKeysTo(counted, scope).filter(({ hiddenOperator }) => hiddenOperator === true)) {
    scope.addIssue(
      'a foreign key to rows that go compares by an operator that the search path of the session does not find, so that other rows would be found than go with them',
      'Add the schema of its type to the search path, with `alter role ... set search_path`',
      `foreign key ${name}`,
    );
  }
}

function listKeysTo(tables: readonly TableName[], { catalog }: Scope): readonly ForeignKey[] {
  return tables.flatMap((name) => catalog.named(name) ?? []).flatMap((table) => catalog.referencesTo(table));
}
