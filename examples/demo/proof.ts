import { printTable } from '../../worker/cli/output.ts';
import type { DemoDatabase } from './database.ts';

const TABLES = [
  'flow_run',
  'flow_run_state',
  'flow_run_input',
  'task_run',
  'task_run_state',
  'log',
  'artifact',
  'artifact_collection',
];

/** Rows by table. */
export type Counts = Readonly<Record<string, number>>;

/** Counts the rows of each table. */
export async function countTables(database: DemoDatabase): Promise<Counts> {
  const counts: Record<string, number> = {};
  for (const table of TABLES) {
    const [row] = await database.rows<{ count: string | number }>(`select count(*) as count from ${table}`);
    counts[table] = Number(row?.count);
  }
  return counts;
}

/** Prints what is gone from each table beside what the batches of the ledger add up to. Returns whether they agree. */
export async function printProof(database: DemoDatabase, run: number, before: Counts): Promise<boolean> {
  const after = await countTables(database);
  const sums = await database.sumBatches(run);
  const lines = TABLES.map((table) => {
    const [was = 0, is = 0] = [before[table], after[table]];
    const deleted = sums.find(({ label }) => label === table)?.deleted ?? 0;
    return { table, was, is, gone: was - is, deleted, agrees: was - is === deleted };
  });
  printTable(
    ['table', 'before', 'after', 'gone', 'in the ledger', ''],
    lines.map(({ table, was, is, gone, deleted, agrees }) => [
      table,
      was,
      is,
      gone,
      deleted,
      agrees ? 'agrees' : 'DIFFERS',
    ]),
  );
  return lines.every(({ agrees }) => agrees);
}
