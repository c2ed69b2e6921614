import { sql } from 'kysely';

import type { Hold } from '../../../stored/hold.ts';
import type { HoldStore } from '../../ledger-store.ts';
import type { HeldRows } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { selectHeldRows } from '../holds.ts';
import { qualifiedName } from '../identifiers.ts';

/** Rows that nobody may delete. */
export function createHolds(connection: Connection): HoldStore {
  return {
    async readInForce(from) {
      const { rows: found } = await sql<{ exists: boolean; open: boolean }>`
        select
          c.oid is not null as exists,
          coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'), true) as open
        from (select 1) as one
        left join pg_namespace as n on n.nspname = ${connection.ledgerSchema}
        left join pg_class as c on c.relnamespace = n.oid and c.relname = 'hold'`.execute(connection.db);
      if (found[0]?.exists !== true) return { rows: [] };
      if (!found[0].open) return undefined;
      const { rows } = await sql<{ held: HeldRows[] }>`
        select ${selectHeldRows(connection, from)} as held`.execute(connection.db);
      return { rows: rows[0]?.held ?? [], ...(from === undefined ? {} : { from }) };
    },

    async readEnds() {
      const { rows } = await sql<{ until: string }>`
        select to_json(h.until) #>> '{}' as until
        from ${ledgerTable(connection, 'hold')} as h
        where h.until > now() and h.until < 'infinity'
        group by h.until
        order by h.until`.execute(connection.db);
      return rows.map(({ until }) => until);
    },

    async insert(hold) {
      const { rows } = hold;
      const byKey = 'key' in rows ? rows : undefined;
      const byFilter = 'filter' in rows ? rows : undefined;
      const { rows: added } = await sql<{ id: number }>`
        insert into ${ledgerTable(connection, 'hold')}
          (entity, schema, name, key, key_column, key_type, filter, condition, reason, who, until)
        values (
          ${hold.entity}, ${hold.table.schema}, ${hold.table.name},
          ${byKey?.key ?? null}, ${byKey?.column.name ?? null}, ${byKey?.column.type ?? null},
          ${byFilter === undefined ? null : JSON.stringify(byFilter.filter)}::jsonb,
          ${byFilter === undefined ? null : JSON.stringify(byFilter.condition)}::jsonb,
          ${hold.reason}, ${hold.who}, ${hold.until}::timestamptz)
        returning id`.execute(connection.db);
      return added[0]?.id ?? 0;
    },

    async list() {
      const { rows } = await sql<Hold>`
        select
          id, entity, key, filter, reason, who,
          case when pg_table_is_visible(to_regclass(format('%I.%I', schema, name))) then name else schema || '.' || name end
            as "table",
          to_json(until) #>> '{}' as until,
          to_json(added_at) #>> '{}' as "addedAt",
          until is null or until > now() as "inForce"
        from ${ledgerTable(connection, 'hold')}
        order by id desc`.execute(connection.db);
      return rows;
    },

    async findLost(policy, entities) {
      const { rows } = await sql<Pick<Hold, 'id' | 'entity'>>`
        select id, entity
        from ${ledgerTable(connection, 'hold')} as h
        where
          (until is null or until > now())
          and not exists (
            select
            from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            where n.nspname = h.schema and c.relname = h.name
          )
          and (
            entity = any(${entities}::text[])
            or exists (
              select
              from ${ledgerTable(connection, 'pass')} as p
              join ${ledgerTable(connection, 'run')} as r on r.id = p.run_id
              where
                r.policy = ${policy}
                and p.stored -> 'counted' @> jsonb_build_array(jsonb_build_object('schema', h.schema, 'name', h.name))
            )
          )
        order by id`.execute(connection.db);
      return rows;
    },

    async delete(id) {
      const { rows } = await sql<{ id: number }>`
        delete from ${ledgerTable(connection, 'hold')} where id = ${id}::int returning id`.execute(
        connection.db,
      );
      return rows.length > 0;
    },

    /** Every batch has the table of holds locked from before it reads them until its end. */
    async findReaders() {
      const table = qualifiedName({ schema: connection.ledgerSchema, name: 'hold' });
      const { rows } = await sql<{ transaction: string }>`
        select distinct l.virtualtransaction as transaction
        from pg_locks as l
        where
          l.locktype = 'relation' and l.relation = to_regclass(${table})::oid and l.pid <> pg_backend_pid()
          and l.database = (select oid from pg_database where datname = current_database())`.execute(
        connection.db,
      );
      return rows.map((row) => row.transaction);
    },
  };
}
