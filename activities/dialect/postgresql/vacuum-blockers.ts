import { sql } from 'kysely';

import type { VacuumBlockers, VacuumBlocker } from '../../stored/size.ts';
import type { Connection } from './connection.ts';

/**
 * The oldest of each kind of vacuum blocker in this database, the oldest first. The asking session and those that vacuum
 * block nothing.
 */
export async function readVacuumBlockers(connection: Connection): Promise<VacuumBlockers> {
  const { rows } = await sql<VacuumBlocker>`
    select distinct on (h.kind) h.*
    from (${SESSIONS} union all ${SLOTS} union all ${PREPARED}) as h
    order by h.kind, h.transactions desc, h.seconds desc nulls last`.execute(connection.db);
  const { rows: hidden } = await sql<{ hidden: boolean }>`
    select exists (
      select from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend' and query = '<insufficient privilege>'
    ) as hidden`.execute(connection.db);
  return {
    blockers: rows.toSorted((a, b) => b.transactions - a.transactions || (b.seconds ?? 0) - (a.seconds ?? 0)),
    hidden: hidden[0]?.hidden === true,
  };
}

const SESSIONS = sql`
  select
    case when a.backend_type = 'walsender' then 'standby' else 'transaction' end as kind,
    a.pid::text as name,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds,
    greatest(age(a.backend_xmin), age(a.backend_xid))::float8 as transactions,
    concat_ws(', ', coalesce(a.state, a.backend_type), 'role ' || a.usename, nullif(a.application_name, '')) as detail,
    case when a.backend_type = 'walsender'
      then 'A standby with hot_standby_feedback reports a query there: end it there'
      else format('End it where it was begun, or: select pg_terminate_backend(%s);', a.pid) end as fix
  from pg_stat_activity as a
  where
    (a.datname = current_database() or a.backend_type = 'walsender')
    and a.pid <> pg_backend_pid() and a.backend_type <> 'autovacuum worker'
    and (a.backend_xmin is not null or a.backend_xid is not null)
    and not exists (select from pg_stat_progress_vacuum as v where v.pid = a.pid)`;

const SLOTS = sql`
  select
    'replication slot',
    s.slot_name::text,
    null::float8,
    greatest(age(s.xmin), age(s.catalog_xmin))::float8,
    concat_ws(', ', s.slot_type, case when s.active then 'in use' else 'not in use' end,
      case when s.xmin is null then 'holds back system catalogs only' end),
    format('Let its reader catch up; if nobody reads it any more: select pg_drop_replication_slot(%L);', s.slot_name)
  from pg_replication_slots as s
  where s.xmin is not null or s.catalog_xmin is not null`;

const PREPARED = sql`
  select
    'prepared transaction',
    p.gid,
    extract(epoch from clock_timestamp() - p.prepared)::float8,
    age(p.transaction)::float8,
    'role ' || p.owner,
    format('Finish it: commit prepared %L; or: rollback prepared %L;', p.gid, p.gid)
  from pg_prepared_xacts as p
  where p.database = current_database()`;
