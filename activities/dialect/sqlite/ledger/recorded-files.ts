import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { OutboxPart, RecordedFile, RecordedFiles } from '../../recorded-files.ts';
import type { Outbox } from '../../rows.ts';
import { LedgerPart } from './ledger-part.ts';

/** Files that wait in the ledger to be removed. */
export class SqliteRecordedFiles extends LedgerPart implements RecordedFiles {
  async findBounds(part: OutboxPart): Promise<{ readonly first: string; readonly last: string } | undefined> {
    const [row] = await this.rows(sql<{ first: string | null; last: string | null }>`
      select cast(min(id) as text) as first, cast(max(id) as text) as last
      from ${this.table('file')}
      where ${isOfPart(part)}`);
    const { first, last } = row ?? { first: null, last: null };
    return first === null || last === null ? undefined : { first, last };
  }

  async readNext(
    part: OutboxPart,
    { after, upto }: { readonly after: string; readonly upto: string },
    limit: number,
  ): Promise<RecordedFile[]> {
    return this.#read(part, sql`id > cast(${after} as integer) and id <= cast(${upto} as integer)`, limit);
  }

  async readStarted(part: OutboxPart, upto: string | undefined, limit: number): Promise<RecordedFile[]> {
    const before = upto === undefined ? sql<boolean>`true` : sql<boolean>`id <= cast(${upto} as integer)`;
    return this.#read(part, sql`bytes is not null and ${before}`, limit);
  }

  async readSample(part: OutboxPart, upto: string, limit: number): Promise<RecordedFile[]> {
    return this.#read(part, sql`bytes is null and id <= cast(${upto} as integer)`, limit, sql`random()`);
  }

  async recordSizes(files: readonly { readonly id: string; readonly bytes: number }[]): Promise<void> {
    if (files.length === 0) return;
    await this.change(sql`
      update ${this.table('file')} as f
      set bytes = m.value ->> 'bytes'
      from json_each(${JSON.stringify(files)}) as m
      where f.id = cast(m.value ->> 'id' as integer)`);
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.change(sql`
      delete from ${this.table('file')}
      where id in (select cast(value as integer) from json_each(${JSON.stringify(ids)}))`);
  }

  async postpone(files: readonly { readonly id: string; readonly reason: string }[]): Promise<void> {
    if (files.length === 0) return;
    await this.change(sql`
      update ${this.table('file')} as f
      set bytes = null, attempts = f.attempts + 1, reason = x.value ->> 'reason'
      from json_each(${JSON.stringify(files)}) as x
      where f.id = cast(x.value ->> 'id' as integer)`);
  }

  async recordStrays(
    { policy, pass, run }: Outbox,
    root: string,
    strays: readonly { readonly key: string; readonly bytes: number }[],
  ): Promise<void> {
    if (strays.length === 0) return;
    await this.change(sql`
      insert into ${this.table('file')} (policy, pass, run_id, root, path, bytes, recorded_at)
      select ${policy}, ${pass}, ${run}, ${root}, s.value ->> 'key', s.value ->> 'bytes', ${Date.now()}
      from json_each(${JSON.stringify(strays)}) as s`);
  }

  async forgetAll(part: OutboxPart): Promise<void> {
    await this.change(sql`delete from ${this.table('file')} where ${isOfPart(part)}`);
  }

  async #read(
    part: OutboxPart,
    which: RawBuilder<boolean>,
    limit: number,
    order: RawBuilder<unknown> = sql`${this.table('file')}.id`,
  ): Promise<RecordedFile[]> {
    const rows = await this.rows(sql<RecordedFile>`
      select cast(id as text) as id, path, bytes, recorded_at as "recordedAt"
      from ${this.table('file')}
      where ${isOfPart(part)} and ${which}
      order by ${order}
      limit ${limit}`);
    return [...rows];
  }
}

function isOfPart({ outbox, passes, root }: OutboxPart): RawBuilder<boolean> {
  return sql`
    policy = ${outbox.policy} and root = ${root}
    and pass in (select value from json_each(${JSON.stringify(passes)}))`;
}
