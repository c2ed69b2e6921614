import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredRoot } from '../../stored/pass.ts';
import type { OutboxPart, RecordedFile, RecordedFiles } from '../recorded-files.ts';
import type { Outbox } from '../rows.ts';
import type { LedgerSql } from './ledger-sql.ts';

/** Files that wait in the ledger to be removed. */
export class SqlRecordedFiles implements RecordedFiles {
  readonly #sql: LedgerSql;
  readonly #table: RawBuilder<unknown>;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
    this.#table = dialect.table('file');
  }

  async findBounds(part: OutboxPart): Promise<{ readonly first: string; readonly last: string } | undefined> {
    const [row] = await this.#sql.rows(sql<{ first: string | null; last: string | null }>`
      select cast(min(id) as text) as first, cast(max(id) as text) as last
      from ${this.#table}
      where ${isOfPart(part)}`);
    const { first, last } = row ?? { first: null, last: null };
    return first === null || last === null ? undefined : { first, last };
  }

  async readNext(
    part: OutboxPart,
    { after, upto }: { readonly after: string; readonly upto: string },
    limit: number,
  ): Promise<RecordedFile[]> {
    return this.#read(part, sql`id > ${toId(after)} and id <= ${toId(upto)}`, limit);
  }

  async readStarted(part: OutboxPart, upto: string | undefined, limit: number): Promise<RecordedFile[]> {
    const before = upto === undefined ? sql<boolean>`true` : sql<boolean>`id <= ${toId(upto)}`;
    return this.#read(part, sql`bytes is not null and ${before}`, limit);
  }

  async readSample(part: OutboxPart, upto: string, limit: number): Promise<RecordedFile[]> {
    return this.#read(part, sql`bytes is null and id <= ${toId(upto)}`, limit, sql`random()`);
  }

  async recordSizes(files: readonly { readonly id: string; readonly bytes: number }[]): Promise<void> {
    if (files.length === 0) return;
    await this.#sql.change(sql`
      update ${this.#table} as f
      set bytes = m.bytes
      from ${this.#sql.recordset(files, { id: 'id', bytes: 'number' })} as m
      where f.id = m.id`);
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const list = this.#sql.recordset(
      ids.map((id) => ({ id })),
      { id: 'id' },
    );
    await this.#sql.change(sql`delete from ${this.#table} where id in (select m.id from ${list} as m)`);
  }

  async postpone(files: readonly { readonly id: string; readonly reason: string }[]): Promise<void> {
    if (files.length === 0) return;
    await this.#sql.change(sql`
      update ${this.#table} as f
      set bytes = null, attempts = f.attempts + 1, reason = m.reason
      from ${this.#sql.recordset(files, { id: 'id', reason: 'text' })} as m
      where f.id = m.id`);
  }

  async recordStrays(
    { policy, pass, run }: Outbox,
    root: string,
    strays: readonly { readonly key: string; readonly bytes: number }[],
  ): Promise<void> {
    if (strays.length === 0) return;
    await this.#sql.change(sql`
      insert into ${this.#table} (policy, pass, run_id, root, path, bytes, recorded_at)
      select
        cast(${policy} as text), cast(${pass} as text), cast(${run} as integer), cast(${root} as text), m.key, m.bytes,
        ${this.#sql.now()}
      from ${this.#sql.recordset(strays, { key: 'text', bytes: 'number' })} as m`);
  }

  async forgetAll(part: OutboxPart): Promise<void> {
    await this.#sql.change(sql`delete from ${this.#table} where ${isOfPart(part)}`);
  }

  async #read(
    part: OutboxPart,
    which: RawBuilder<boolean>,
    limit: number,
    order: RawBuilder<unknown> = sql`f.id`,
  ): Promise<RecordedFile[]> {
    const rows = await this.#sql.rows(sql<RecordedFile>`
      select cast(id as text) as id, path, bytes, ${this.#sql.millis(sql`recorded_at`)} as "recordedAt"
      from ${this.#table} as f
      where ${isOfPart(part)} and ${which}
      order by ${order}
      limit ${limit}`);
    return [...rows];
  }
}

function toId(id: string): RawBuilder<unknown> {
  return sql`cast(${id} as bigint)`;
}

/** Selects, column `path`, the files of a root that wait for some passes of a policy; none if no passes are given. */
export function selectWaiting(
  table: RawBuilder<unknown>,
  { name: root }: StoredRoot,
  waiting: { readonly policy: string; readonly passes: readonly string[] } | undefined,
): RawBuilder<unknown>[] {
  if (waiting === undefined) return [];
  return [
    sql`select path from ${table} where ${isOfPart({ outbox: waiting, passes: waiting.passes, root })}`,
  ];
}

type Part = Pick<OutboxPart, 'passes' | 'root'> & { readonly outbox: Pick<Outbox, 'policy'> };

function isOfPart({ outbox, passes, root }: Part): RawBuilder<boolean> {
  if (passes.length === 0) return sql`false`;
  return sql`policy = ${outbox.policy} and pass in (${sql.join(passes)}) and root = ${root}`;
}
