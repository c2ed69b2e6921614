import { readHolds } from '../ledger/holds.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RunPass } from '../ledger/runs.ts';
import type { FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import { PreviewScript } from '../preview/script.ts';
import type { Catalog } from '../sql/catalog.ts';
import type { TableName } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';

/** A pass that deletes rows. */
export type GuardedPass = RunPass & { readonly frozen: FrozenPass };

/** Whether there is anything for guards to look at: the pass is applicable and deletes rows. */
export function isGuarded(pass: RunPass): pass is GuardedPass {
  return pass.frozen !== null && pass.frozen.counted.length > 0;
}

/** Rows that a pass would delete from a table. */
export interface Count {
  readonly pass: GuardedPass;
  readonly table: TableName;
  readonly rows: number;
  /** Counted, and not taken from a sample. */
  readonly exact: boolean;
}

/** Counts what passes would delete one after the other, as a preview does. */
export async function countExactly(
  tx: Tx,
  ledger: Ledger,
  catalog: Catalog,
  passes: readonly GuardedPass[],
): Promise<Count[]> {
  const script = new PreviewScript(catalog, await readHolds(tx, ledger));
  for (const { name, kind, frozen } of passes) {
    script.begin(name);
    workOf(kind).preview(frozen, script);
  }
  const { rows } = await script.statement().execute(tx);
  const counted = rows[0]?.counts ?? [];
  return script.counts.flatMap(({ pass: name, label, what }, n) => {
    const pass = passes.find((candidate) => candidate.name === name);
    const table = pass?.frozen.counted.find((candidate) => candidate.label === label);
    if (pass === undefined || table === undefined || what !== 'deleted') return [];
    return [{ pass, table, rows: counted[n] ?? 0, exact: true }];
  });
}

/** What the sample says that a pass would delete from its own table. */
export function countBySample(pass: GuardedPass): Count {
  return { pass, table: pass.frozen.table, rows: pass.plan.estimate, exact: false };
}

/** Whether other rows go with those of the pass's own table, which its sample does not see. */
export function hasFamily({ frozen }: GuardedPass): boolean {
  return frozen.counted.length > 1 || ('nesting' in frozen && frozen.nesting !== null);
}

/** Rows that would be deleted of one table, by all passes. */
export interface TableCount {
  readonly table: TableName;
  readonly rows: number;
  readonly exact: boolean;
  readonly passes: readonly GuardedPass[];
}

/** Adds up what passes would delete, table by table; no more than a run may delete in all. */
export function byTable(counts: readonly Count[], mostRows: number): TableCount[] {
  const tables = new Map<string, TableCount>();
  for (const { pass, table, rows, exact } of counts) {
    if (rows === 0) continue;
    const before = tables.get(table.label) ?? { table, rows: 0, exact: true, passes: [] };
    tables.set(table.label, {
      table,
      rows: Math.min(mostRows, before.rows + rows),
      exact: before.exact && exact,
      passes: [...new Set([...before.passes, pass])],
    });
  }
  return [...tables.values()];
}

/** Rows that a pass would delete from its own table. */
export function ofOwnTable(counts: readonly Count[], pass: GuardedPass): Pick<Count, 'rows' | 'exact'> {
  const own = counts.filter((count) => count.pass === pass && count.table.label === pass.frozen.table.label);
  return {
    rows: own.reduce((sum, count) => sum + count.rows, 0),
    exact: own.every((count) => count.exact),
  };
}
