import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Connection, LedgerTable } from '../connection.ts';
import { ledgerTable, ledgerTableName } from '../connection.ts';

/** The migrations by their names, in order. A newer version adds to the end. */
export const MIGRATIONS: readonly {
  readonly name: string;
  readonly statements: (connection: Connection) => RawBuilder<unknown>[];
}[] = [{ name: '001-ledger', statements: createTables }];

/** The tables of the ledger. Instants are whole milliseconds since the epoch, JSON is text. */
function createTables(connection: Connection): RawBuilder<unknown>[] {
  const table = (name: LedgerTable): RawBuilder<unknown> => ledgerTable(connection, name);
  const index = (name: string, of: LedgerTable, rest: string, unique = ''): RawBuilder<unknown> =>
    sql`create ${sql.raw(unique)} index ${sql.id('main', `${connection.ledgerSchema}_${name}`)}
        on ${sql.id(ledgerTableName(connection, of))} ${sql.raw(rest)}`;
  return [
    sql`
      create table ${table('run')} (
        id integer primary key autoincrement,
        policy text not null,
        mode text not null check (mode in ('execute', 'preview')),
        status text not null,
        workflow_id text not null,
        first_run_id text not null,
        temporal text not null,
        settings text not null,
        reasons text not null default '[]',
        notes text not null default '[]',
        started_at integer not null,
        ended_at integer,
        longest_transaction_millis real,
        batches_kept integer not null default 1
      )`,
    index('run_lease', 'run', '(policy) where ended_at is null', 'unique'),
    index('run_policy_started_at', 'run', '(policy, started_at)'),
    index('run_batches_kept', 'run', '(ended_at) where batches_kept'),
    index('run_workflow', 'run', '(workflow_id, first_run_id)'),
    sql`
      create table ${table('pass')} (
        run_id integer not null,
        ordinal integer not null,
        name text not null,
        kind text not null,
        status text not null,
        scan text,
        shards text not null default '[]',
        stored text not null default '{}',
        horizon integer,
        settings_hash text,
        estimate real,
        batches integer not null default 0,
        rows integer not null default 0,
        deleted text not null default '{}',
        moved integer not null default 0,
        skipped integer not null default 0,
        held integer not null default 0,
        blocked integer not null default 0,
        bytes integer not null default 0,
        files integer not null default 0,
        reported text,
        backlog text,
        millis real not null default 0,
        error text,
        primary key (run_id, ordinal)
      )`,
    sql`
      create table ${table('batch')} (
        run_id integer not null,
        pass integer not null,
        shard integer not null,
        sequence integer not null,
        round integer not null,
        rows integer not null,
        deleted text not null,
        moved integer not null,
        skipped integer not null,
        held integer not null default 0,
        blocked integer not null default 0,
        bytes integer not null default 0,
        files integer not null default 0,
        reported text,
        cursor text,
        done integer not null,
        size integer not null,
        millis real not null,
        at integer not null,
        primary key (run_id, pass, shard, sequence)
      ) without rowid`,
    sql`
      create table ${table('size')} (
        run_id integer not null,
        moment text not null check (moment in ('begin', 'pass', 'end')),
        pass integer not null default -1,
        label text not null,
        measured text not null,
        at integer not null,
        primary key (run_id, moment, pass, label)
      )`,
    sql`
      create table ${table('reclaim')} (
        id integer primary key autoincrement,
        run_id integer not null,
        pass integer not null,
        label text not null,
        mode text not null,
        event text not null check (event in ('started', 'ended')),
        started_id integer unique,
        outcome text,
        bytes integer,
        at integer not null,
        check ((event = 'ended') = (started_id is not null))
      )`,
    sql`
      create table ${table('kept')} (
        run_id integer not null,
        pass integer not null,
        retention_index integer not null,
        group_key text not null,
        key text not null,
        primary key (run_id, pass, retention_index, group_key, key)
      ) without rowid`,
    sql`
      create table ${table('guard')} (
        policy text primary key,
        system_identifier text,
        database_oid text,
        tables text not null default '{}',
        known_run integer not null default 0,
        blocked text,
        blocked_at integer
      )`,
    sql`
      create table ${table('hold')} (
        id integer primary key autoincrement,
        entity text not null,
        schema text not null,
        name text not null,
        key text,
        key_column text,
        key_type text,
        filter text,
        condition text,
        reason text not null,
        who text not null,
        until integer,
        added_at integer not null,
        check ((key is null) = (condition is not null)),
        check ((key is null) = (key_column is null) and (key is null) = (key_type is null))
      )`,
    index('hold_key', 'hold', '(name, key)'),
    sql`
      create table ${table('file')} (
        id integer primary key autoincrement,
        policy text not null,
        pass text not null,
        run_id integer not null,
        root text not null,
        path text not null,
        bytes integer,
        attempts integer not null default 0,
        reason text,
        recorded_at integer not null
      )`,
    index('file_waiting', 'file', '(policy, root, id)'),
    index('file_started', 'file', '(policy, root, id) where bytes is not null'),
  ];
}
