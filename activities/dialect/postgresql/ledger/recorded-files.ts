import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { OutboxPart, RecordedFile, RecordedFiles } from '../../recorded-files.ts';
import type { Outbox } from '../../rows.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** Files that wait in the ledger to be removed. */
export class PostgresRecordedFiles implements RecordedFiles {
  readonly #connection: Connection;
  readonly #table: RawBuilder<unknown>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#table = ledgerTable(connection, 'file');
  }

  async findBounds(part: OutboxPart): Promise<{ readonly first: string; readonly last: string } | undefined> {
    const { rows } = await sql<{ first: string | null; last: string | null }>`
      select min(id)::text as first, max(id)::text as last
      from ${this.#table}
      where ${isOfPart(part)}`.execute(this.#connection.db);
    const { first, last } = rows[0] ?? { first: null, last: null };
    return first === null || last === null ? undefined : { first, last };
  }

  async readNext(
    part: OutboxPart,
    { after, upto }: { readonly after: string; readonly upto: string },
    limit: number,
  ): Promise<RecordedFile[]> {
    return this.#read(part, sql`id > ${after}::bigint and id <= ${upto}::bigint`, limit);
  }

  async readStarted(part: OutboxPart, upto: string | undefined, limit: number): Promise<RecordedFile[]> {
    const before = upto === undefined ? sql<boolean>`true` : sql<boolean>`id <= ${upto}::bigint`;
    return this.#read(part, sql`bytes is not null and ${before}`, limit);
  }

  async readSample(part: OutboxPart, upto: string, limit: number): Promise<RecordedFile[]> {
    return this.#read(part, sql`bytes is null and id <= ${upto}::bigint`, limit, sql`random()`);
  }

  async recordSizes(files: readonly { readonly id: string; readonly bytes: number }[]): Promise<void> {
    if (files.length === 0) return;
    await sql`
      update ${this.#table} as f
      set bytes = m.bytes
      from unnest(
        ${files.map(({ id }) => id)}::bigint[], ${files.map(({ bytes }) => bytes)}::float8[]) as m(id, bytes)
      where f.id = m.id`.execute(this.#connection.db);
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await sql`delete from ${this.#table} where id = any(${[...ids]}::bigint[])`.execute(this.#connection.db);
  }

  async postpone(files: readonly { readonly id: string; readonly reason: string }[]): Promise<void> {
    if (files.length === 0) return;
    await sql`
      update ${this.#table} as f
      set bytes = null, attempts = f.attempts + 1, reason = x.reason
      from unnest(
        ${files.map(({ id }) => id)}::bigint[], ${files.map(({ reason }) => reason)}::text[]) as x(id, reason)
      where f.id = x.id`.execute(this.#connection.db);
  }

  async recordStrays(
    { policy, pass, run }: Outbox,
    root: string,
    strays: readonly { readonly key: string; readonly bytes: number }[],
  ): Promise<void> {
    if (strays.length === 0) return;
    await sql`
      insert into ${this.#table} (policy, pass, run_id, root, path, bytes)
      select ${policy}::text, ${pass}::text, ${run}::int, ${root}::text, s.key, s.bytes
      from unnest(
        ${strays.map(({ key }) => key)}::text[],
        ${strays.map(({ bytes }) => bytes)}::float8[]) as s(key, bytes)`.execute(this.#connection.db);
  }

  async forgetAll(part: OutboxPart): Promise<void> {
    await sql`delete from ${this.#table} where ${isOfPart(part)}`.execute(this.#connection.db);
  }

  async #read(
    part: OutboxPart,
    which: RawBuilder<boolean>,
    limit: number,
    order: RawBuilder<unknown> = sql`${this.#table}.id`,
  ): Promise<RecordedFile[]> {
    const { rows } = await sql<RecordedFile>`
      select id::text as id, path, bytes, (1000 * extract(epoch from recorded_at))::float8 as "recordedAt"
      from ${this.#table}
      where ${isOfPart(part)} and ${which}
      order by ${order}
      limit ${limit}`.execute(this.#connection.db);
    return rows;
  }
}

function isOfPart({ outbox, passes, root }: OutboxPart): RawBuilder<boolean> {
  return sql`policy = ${outbox.policy} and pass = any(${[...passes]}::text[]) and root = ${root}`;
}
