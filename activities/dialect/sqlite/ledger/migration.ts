import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { listLedgerTables } from '../../ledger/migration.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable, ledgerTableName } from '../connection.ts';

/** The migrations by their names, in order. A newer version adds to the end. */
export const MIGRATIONS: readonly {
  readonly name: string;
  readonly statements: (connection: Connection) => RawBuilder<unknown>[];
}[] = [{ name: '001-ledger', statements: createTables }];

/** The tables of the ledger. Instants are whole milliseconds since the epoch, JSON is text. */
function createTables(connection: Connection): RawBuilder<unknown>[] {
  const tables = listLedgerTables({
    id: 'integer primary key autoincrement',
    bigId: 'integer primary key autoincrement',
    json: 'text',
    instant: 'integer',
    now: '',
    count: 'integer',
    real: 'real',
    flag: 'integer',
    set: '1',
    ofRun: '',
    ofStart: '',
    started: '',
    holdKey: 'name, key',
    session: '',
    sizes: '',
  });
  const statements = tables.flatMap(({ name: of, columns, indexes, uniqueIndexes = {}, isReadByKey }) => {
    const table = sql.id(ledgerTableName(connection, of));
    const index = (kind: string, [name, rest]: [string, string]): RawBuilder<unknown> => sql`
      create ${sql.raw(kind)} ${sql.id('main', `${connection.ledgerSchema}_${name}`)} on ${table} ${sql.raw(rest)}`;
    const end = isReadByKey === true ? ' without rowid' : '';
    return [
      sql`create table ${ledgerTable(connection, of)} (${sql.raw(columns)})${sql.raw(end)}`,
      ...Object.entries(uniqueIndexes).map((one) => index('unique index', one)),
      ...Object.entries(indexes).map((one) => index('index', one)),
    ];
  });
  return [...statements, createKept(connection)];
}

/** The newest rows that a pass of an open run keeps. */
function createKept(connection: Connection): RawBuilder<unknown> {
  return sql`
    create table ${ledgerTable(connection, 'kept')} (
      run_id integer not null,
      pass integer not null,
      retention_index integer not null,
      group_key text not null,
      key text not null,
      primary key (run_id, pass, retention_index, group_key, key)
    ) without rowid`;
}
