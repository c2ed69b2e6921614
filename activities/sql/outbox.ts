import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Outbox } from './recording.ts';
import type { Tx } from './transaction.ts';

/** A file that waits to be deleted. */
export interface WaitingFile {
  readonly id: string;
  readonly path: string;
  /** What it measured right before its removal was begun; null before. */
  readonly bytes: number | null;
  /** When its row was deleted, in milliseconds since the epoch. */
  readonly recordedAt: number;
}

/** Whose files: those that some passes of the policy recorded for a root. */
export interface OutboxPart {
  readonly outbox: Outbox;
  readonly passes: readonly string[];
  readonly root: string;
}

function isOf({ outbox, passes, root }: OutboxPart): RawBuilder<boolean> {
  return sql`policy = ${outbox.policy} and pass = any(${[...passes]}::text[]) and root = ${root}`;
}

/** The first and the last of them, as a cursor bounds its walk; undefined where none waits. */
export async function boundsOf(
  db: Kysely<unknown>,
  waiting: OutboxPart,
): Promise<{ readonly first: string; readonly last: string } | undefined> {
  const { rows } = await sql<{ first: string | null; last: string | null }>`
    select min(id)::text as first, max(id)::text as last
    from ${waiting.outbox.table}
    where ${isOf(waiting)}`.execute(db);
  const { first, last } = rows[0] ?? { first: null, last: null };
  return first === null || last === null ? undefined : { first, last };
}

/** The next of them after a number. */
export async function nextWaiting(
  db: Kysely<unknown>,
  waiting: OutboxPart,
  range: { readonly after: string; readonly upto: string },
  limit: number,
): Promise<WaitingFile[]> {
  return readWaiting(db, waiting, sql`id > ${range.after}::bigint and id <= ${range.upto}::bigint`, limit);
}

/** Those whose removal was begun: measured and not settled. */
export async function begunWaiting(
  db: Kysely<unknown>,
  waiting: OutboxPart,
  upto: string | undefined,
  limit: number,
): Promise<WaitingFile[]> {
  const before = upto === undefined ? sql<boolean>`true` : sql<boolean>`id <= ${upto}::bigint`;
  return readWaiting(db, waiting, sql`bytes is not null and ${before}`, limit);
}

async function readWaiting(
  db: Kysely<unknown>,
  waiting: OutboxPart,
  which: RawBuilder<boolean>,
  limit: number,
): Promise<WaitingFile[]> {
  const { rows } = await sql<WaitingFile>`
    select id::text as id, path, bytes, (1000 * extract(epoch from recorded_at))::float8 as "recordedAt"
    from ${waiting.outbox.table}
    where ${isOf(waiting)} and ${which}
    order by ${waiting.outbox.table}.id
    limit ${limit}`.execute(db);
  return rows;
}

/** Writes down what files measure whose removal begins with the next batch. */
export async function keepMeasured(
  tx: Tx,
  { table }: Outbox,
  measured: readonly { readonly id: string; readonly bytes: number }[],
): Promise<void> {
  if (measured.length === 0) return;
  await sql`
    update ${table} as f
    set bytes = m.bytes
    from unnest(
      ${measured.map(({ id }) => id)}::bigint[], ${measured.map(({ bytes }) => bytes)}::float8[]) as m(id, bytes)
    where f.id = m.id`.execute(tx);
}

/** Forgets files that are done with. */
export async function forget(tx: Tx, { table }: Outbox, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`delete from ${table} where id = any(${[...ids]}::bigint[])`.execute(tx);
}

/** Keeps files that could not be deleted for the next run, with the reason. */
export async function postpone(
  tx: Tx,
  { table }: Outbox,
  failed: readonly { readonly id: string; readonly reason: string }[],
): Promise<void> {
  if (failed.length === 0) return;
  await sql`
    update ${table} as f
    set bytes = null, attempts = f.attempts + 1, reason = x.reason
    from unnest(
      ${failed.map(({ id }) => id)}::bigint[], ${failed.map(({ reason }) => reason)}::text[]) as x(id, reason)
    where f.id = x.id`.execute(tx);
}

/** Writes down strays whose removal begins with the next batch. */
export async function recordStrays(
  tx: Tx,
  { table, policy, pass, run }: Outbox,
  root: string,
  strays: readonly { readonly key: string; readonly bytes: number }[],
): Promise<void> {
  if (strays.length === 0) return;
  await sql`
    insert into ${table} (policy, pass, run_id, root, path, bytes)
    select ${policy}::text, ${pass}::text, ${run}::int, ${root}::text, s.key, s.bytes
    from unnest(
      ${strays.map(({ key }) => key)}::text[], ${strays.map(({ bytes }) => bytes)}::float8[]) as s(key, bytes)`.execute(
    tx,
  );
}

/** Forgets all that a pass wrote down for a root. */
export async function forgetAll(tx: Tx, waiting: OutboxPart): Promise<void> {
  await sql`delete from ${waiting.outbox.table} where ${isOf(waiting)}`.execute(tx);
}
