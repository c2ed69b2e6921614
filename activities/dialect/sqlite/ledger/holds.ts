import { sql } from 'kysely';

import type { Hold, NewHold } from '../../../stored/hold.ts';
import type { StoredPass } from '../../../stored/pass.ts';
import type { HoldStore } from '../../ledger-store.ts';
import type { Holds } from '../../view.ts';
import { ledgerTableName } from '../connection.ts';
import { readHeldRows } from './held-rows.ts';
import { LedgerPart, parseJson, parseJsonOrNull, toIso, toIsoOrNull } from './ledger-part.ts';

/** Rows that nobody may delete. */
export class SqliteHoldStore extends LedgerPart implements HoldStore {
  async readInForce(from?: string): Promise<Holds | undefined> {
    const found = await this.rows(sql`
      select 1 from main.sqlite_schema where name = ${ledgerTableName(this.connection, 'hold')}`);
    if (found.length === 0) return { rows: [] };
    const rows = await readHeldRows(this.connection, from);
    return { rows, ...(from === undefined ? {} : { from }) };
  }

  async readEnds(): Promise<string[]> {
    const rows = await this.rows(sql<{ until: number }>`
      select distinct until from ${this.table('hold')} where until > ${Date.now()} order by until`);
    return rows.map(({ until }) => toIso(until));
  }

  async insert(hold: NewHold): Promise<number> {
    const { rows } = hold;
    const byKey = 'key' in rows ? rows : undefined;
    const byFilter = 'filter' in rows ? rows : undefined;
    const [added] = await this.rows(sql<{ id: number }>`
      insert into ${this.table('hold')}
        (entity, schema, name, key, key_column, key_type, filter, condition, reason, who, until, added_at)
      values (
        ${hold.entity}, ${hold.table.schema}, ${hold.table.name},
        ${byKey?.key ?? null}, ${byKey?.column.name ?? null}, ${byKey?.column.type ?? null},
        ${byFilter === undefined ? null : JSON.stringify(byFilter.filter)},
        ${byFilter === undefined ? null : JSON.stringify(byFilter.condition)},
        ${hold.reason}, ${hold.who}, ${hold.until === null ? null : Date.parse(hold.until)}, ${Date.now()})
      returning id`);
    return added?.id ?? 0;
  }

  async list(): Promise<Hold[]> {
    type Row = Omit<Hold, 'filter' | 'until' | 'addedAt' | 'inForce'> & {
      readonly filter: string | null;
      readonly until: number | null;
      readonly addedAt: number;
    };
    const rows = await this.rows(sql<Row>`
      select id, entity, key, filter, reason, who, name as "table", until, added_at as "addedAt"
      from ${this.table('hold')}
      order by id desc`);
    return rows.map((row) => ({
      ...row,
      filter: parseJsonOrNull(row.filter),
      until: toIsoOrNull(row.until),
      addedAt: toIso(row.addedAt),
      inForce: row.until === null || row.until > Date.now(),
    }));
  }

  async findLost(policy: string, entities: readonly string[]): Promise<Pick<Hold, 'id' | 'entity'>[]> {
    const lost = await this.rows(sql<Pick<Hold, 'id' | 'entity'> & { readonly name: string }>`
      select id, entity, name
      from ${this.table('hold')} as h
      where
        (until is null or until > ${Date.now()})
        and not exists (select 1 from main.sqlite_schema as s where s.type = 'table' and s.name = h.name)
      order by id`);
    if (lost.length === 0) return [];
    const passes = await this.rows(sql<{ stored: string }>`
      select p.stored
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where r.policy = ${policy}`);
    const counted = new Set(
      passes.flatMap(({ stored }) =>
        (parseJson<Partial<StoredPass>>(stored).counted ?? []).map(({ name }) => name),
      ),
    );
    return lost
      .filter(({ entity, name }) => entities.includes(entity) || counted.has(name))
      .map(({ id, entity }) => ({ id, entity }));
  }

  async delete(id: number): Promise<boolean> {
    return (await this.change(sql`delete from ${this.table('hold')} where id = ${id}`)) > 0;
  }

  /** The hold was written under the write lock: every batch that had not read it was over by then. */
  async findReaders(): Promise<string[]> {
    return [];
  }
}
