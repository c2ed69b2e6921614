import { sql } from 'kysely';

import type { Hold } from '../../../stored/hold.ts';
import type { StoredPass } from '../../../stored/pass.ts';
import type { HoldStore } from '../../ledger-store.ts';
import type { Connection } from '../connection.ts';
import { ledgerTableName, ledgerTable } from '../connection.ts';
import { readHeldRows } from './held-rows.ts';
import { createLedgerSql, parseJson, parseJsonOrNull, toIso, toIsoOrNull } from './ledger-sql.ts';

/** Rows that nobody may delete. */
export function createHolds(connection: Connection): HoldStore {
  const ledger = createLedgerSql(connection);
  return {
    async readInForce(from) {
      const found = await ledger.rows(sql`
        select 1 from main.sqlite_schema where name = ${ledgerTableName(connection, 'hold')}`);
      if (found.length === 0) return { rows: [] };
      const rows = await readHeldRows(connection, from);
      return { rows, ...(from === undefined ? {} : { from }) };
    },

    async readEnds() {
      const rows = await ledger.rows(sql<{ until: number }>`
        select distinct until from ${ledgerTable(connection, 'hold')} where until > ${Date.now()} order by until`);
      return rows.map(({ until }) => toIso(until));
    },

    async insert(hold) {
      const { rows } = hold;
      const byKey = 'key' in rows ? rows : undefined;
      const byFilter = 'filter' in rows ? rows : undefined;
      const [added] = await ledger.rows(sql<{ id: number }>`
        insert into ${ledgerTable(connection, 'hold')}
          (entity, schema, name, key, key_column, key_type, filter, condition, reason, who, until, added_at)
        values (
          ${hold.entity}, ${hold.table.schema}, ${hold.table.name},
          ${byKey?.key ?? null}, ${byKey?.column.name ?? null}, ${byKey?.column.type ?? null},
          ${byFilter === undefined ? null : JSON.stringify(byFilter.filter)},
          ${byFilter === undefined ? null : JSON.stringify(byFilter.condition)},
          ${hold.reason}, ${hold.who}, ${hold.until === null ? null : Date.parse(hold.until)}, ${Date.now()})
        returning id`);
      return added?.id ?? 0;
    },

    async list() {
      type Row = Omit<Hold, 'filter' | 'until' | 'addedAt' | 'inForce'> & {
        readonly filter: string | null;
        readonly until: number | null;
        readonly addedAt: number;
      };
      const rows = await ledger.rows(sql<Row>`
        select id, entity, key, filter, reason, who, name as "table", until, added_at as "addedAt"
        from ${ledgerTable(connection, 'hold')}
        order by id desc`);
      return rows.map((row) => ({
        ...row,
        filter: parseJsonOrNull(row.filter),
        until: toIsoOrNull(row.until),
        addedAt: toIso(row.addedAt),
        inForce: row.until === null || row.until > Date.now(),
      }));
    },

    async findLost(policy, entities) {
      const lost = await ledger.rows(sql<Pick<Hold, 'id' | 'entity'> & { readonly name: string }>`
        select id, entity, name
        from ${ledgerTable(connection, 'hold')} as h
        where
          (until is null or until > ${Date.now()})
          and not exists (select 1 from main.sqlite_schema as s where s.type = 'table' and s.name = h.name)
        order by id`);
      if (lost.length === 0) return [];
      const passes = await ledger.rows(sql<{ stored: string }>`
        select p.stored
        from ${ledgerTable(connection, 'pass')} as p
        join ${ledgerTable(connection, 'run')} as r on r.id = p.run_id
        where r.policy = ${policy}`);
      const counted = new Set(
        passes.flatMap(({ stored }) =>
          (parseJson<Partial<StoredPass>>(stored).counted ?? []).map(({ name }) => name),
        ),
      );
      return lost
        .filter(({ entity, name }) => entities.includes(entity) || counted.has(name))
        .map(({ id, entity }) => ({ id, entity }));
    },

    delete: async (id) =>
      (await ledger.change(sql`delete from ${ledgerTable(connection, 'hold')} where id = ${id}`)) > 0,

    /** The hold was written under the write lock: every batch that had not read it was over by then. */
    findReaders: async () => [],
  };
}
