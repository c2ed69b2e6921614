import type { Issue } from '../../policy/issue.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isRefused, readDatabaseError } from '../dialect/read-error.ts';
import { findKind } from '../passes/index.ts';
import { clearsReferences, listCleared } from '../resolve/cascades.ts';
import type { Purpose } from '../resolve/scope.ts';
import type { ResolvedPass } from './resolved-pass.ts';

/** Reports each pass that the database does not understand, or would forbid: its statements are planned and not run. */
export async function checkStatements(
  tx: Tx,
  passes: readonly ResolvedPass[],
  catalog: Catalog,
  purpose: Purpose,
): Promise<Issue[]> {
  const issues: Issue[] = [];
  for (const resolved of passes) {
    const condition = await probeCondition(tx, resolved, catalog);
    if (condition !== undefined) issues.push(condition);
    else if (purpose === 'execute') issues.push(...(await probeDeletes(tx, resolved, catalog)));
  }
  return issues;
}

async function probeCondition(
  tx: Tx,
  { pass, stored }: ResolvedPass,
  catalog: Catalog,
): Promise<Issue | undefined> {
  const query = tx.startPreview(catalog, undefined);
  query.startPass(pass.name);
  findKind(pass.kind).preview(stored, query);
  try {
    await tx.tryAndUndo(async () => query.plan());
    return undefined;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return describeRefusal(pass.name, error);
  }
}

/** What is wrong with the condition of a pass that the database refuses, and what to do. */
export function describeRefusal(pass: string, error: unknown): Issue {
  const at = `pass ${JSON.stringify(pass)}`;
  const here = error instanceof Error ? error.message : String(error);
  if (readDatabaseError(error)?.kind === 'not permitted') {
    return {
      at,
      here,
      what: 'the database role may not read something that its condition reaches into',
      fix: 'Grant select on it to the role, as its owner or a superuser; if row-level security hides rows of it, use a role with bypassrls',
    };
  }
  return {
    at,
    here,
    what: 'the database does not understand its condition',
    fix: 'Mend its where, or the type of the properties in it',
  };
}

/**
 * Reports tables from which the database allows no delete, or whose rows it may not set to null: those that are published
 * and have no replica identity, for one. The server knows its rules; they are not copied.
 */
export async function probeDeletes(
  tx: Tx,
  { pass, stored }: ResolvedPass,
  catalog: Catalog,
): Promise<Issue[]> {
  const deleted = stored.counted.flatMap((name) => catalog.named(name) ?? []);
  const unlinked = catalog.foreignKeys
    .filter(clearsReferences)
    .filter(({ parent, child }) => deleted.some(({ id }) => id === parent) && catalog.has(child));
  const tries: Change[] = [
    ...deleted.map((table) => ({ table, columns: [] })),
    ...unlinked.map((key) => ({ table: catalog.get(key.child), columns: listCleared(key) })),
    ...(stored.cleared ?? []).flatMap(({ table: name, by }) => {
      const table = catalog.named(name);
      return table === undefined ? [] : [{ table, columns: [by.name] }];
    }),
  ];
  const issues: Issue[] = [];
  if (await areAllowed(tx, tries)) return issues;
  for (const { table, columns } of tries) {
    const what = columns.length === 0 ? 'deletes rows from' : 'sets references to null in';
    try {
      await tx.tryAndUndo(async () => tx.tables.tryChange(table, columns));
    } catch (error) {
      const refused = readDatabaseError(error);
      // What goes by a foreign key needs no privilege of the role.
      if (refused?.verdict !== 'stop' || refused.kind === 'not permitted') continue;
      issues.push({
        at: `pass ${JSON.stringify(pass.name)}`,
        what: `the database allows no change of a table that it ${what}`,
        fix: 'If the table is published, give it a replica identity (alter table ... replica identity full, or using index), or leave it out of the publication',
        here: `table ${table.label}: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  }
  return issues;
}

/** Deletes from a table, or sets columns of it to null. */
interface Change {
  readonly table: CatalogTable;
  readonly columns: readonly string[];
}

/**
 * Whether the database allows all changes, as it nearly always does. With one savepoint for all, the 20 changes of five passes
 * of Prefect take 30 round trips; they took 100 with two for each.
 */
async function areAllowed(tx: Tx, changes: readonly Change[]): Promise<boolean> {
  try {
    await tx.tryAndUndo(async () => {
      for (const { table, columns } of changes) await tx.tables.tryChange(table, columns);
    });
    return true;
  } catch {
    return false;
  }
}
