import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { FrozenPass } from '../passes/index.ts';
import { distinctTables } from '../plan/cascades.ts';
import type { TableName } from '../sql/names.ts';
import type { TableSize } from '../sql/sizes.ts';
import { SizeEntity } from './entities.ts';
import type { Ledger } from './ledger.ts';

/** When a run measures by itself. */
export type Moment = 'begin' | 'end';

/** What a table measured before the first and after the last batch of a run; null where it was not measured. */
export interface SizeChange {
  readonly table: string;
  readonly before: TableSize | null;
  readonly after: TableSize | null;
}

/** The tables that the passes of an open run delete from or work on. */
export async function tablesOfRun(ledger: Ledger, run: number): Promise<TableName[]> {
  const { rows } = await sql<{ frozen: Partial<FrozenPass> | null }>`
    select p.frozen
    from ${ledger.table('pass')} as p
    join ${ledger.table('run')} as r on r.id = p.run_id
    where r.id = ${run} and r.ended_at is null
    order by p.ordinal`.execute(ledger.db);
  return distinctTables(
    rows.flatMap(({ frozen }) => [...(frozen?.counted ?? []), ...(frozen?.tables ?? [])]),
  );
}

/** Keeps what tables measured. A measure that is there stays: an attempt that comes late measures too much. */
export async function writeSizes(
  db: Kysely<unknown>,
  ledger: Ledger,
  run: number,
  when: { readonly moment: Moment } | { readonly pass: number },
  sizes: readonly TableSize[],
): Promise<void> {
  const moment = 'pass' in when ? 'pass' : when.moment;
  const pass = 'pass' in when ? when.pass : -1;
  await sql`
    insert into ${ledger.table('size')}
      (run_id, moment, pass, label, heap, indexes, toast, live, dead, measured)
    select
      ${run}::int, ${moment}::text, ${pass}::int, m ->> 'table',
      (m ->> 'heap')::float8, (m ->> 'indexes')::float8, (m ->> 'toast')::float8,
      (m ->> 'live')::float8, (m ->> 'dead')::float8, m
    from jsonb_array_elements(${JSON.stringify(sizes)}::jsonb) as m
    on conflict do nothing`.execute(db);
}

/** What a run measured by itself, and what its passes did, by the number of the pass. */
export async function readSizesOfRun(
  ledger: Ledger,
  run: number,
): Promise<{ readonly changes: readonly SizeChange[]; readonly byPass: ReadonlyMap<number, TableSize[]> }> {
  const rows = await ledger.orm.em
    .fork()
    .find(SizeEntity, { run }, { orderBy: { label: 'asc' }, schema: ledger.schema });
  const changes = new Map<string, SizeChange>();
  const byPass = new Map<number, TableSize[]>();
  for (const { moment, pass, label, measured } of rows) {
    if (moment === 'pass') {
      byPass.set(pass, [...(byPass.get(pass) ?? []), measured]);
      continue;
    }
    const known = changes.get(label) ?? { table: label, before: null, after: null };
    changes.set(label, { ...known, [moment === 'begin' ? 'before' : 'after']: measured });
  }
  return { changes: [...changes.values()], byPass };
}

/** Bytes that a run gave back; negative where tables grew. Null where some table was not measured twice. */
export function bytesGivenBack(changes: readonly SizeChange[]): number | null {
  let sum = 0;
  for (const { before, after } of changes) {
    if (before === null || after === null) return null;
    sum += bytesOf(before) - bytesOf(after);
  }
  return changes.length === 0 ? null : sum;
}

/** A table with its indexes and TOAST. */
export function bytesOf({ heap, indexes, toast }: Pick<TableSize, 'heap' | 'indexes' | 'toast'>): number {
  return heap + indexes + toast;
}
