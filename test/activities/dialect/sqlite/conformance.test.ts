import { connectSqlite } from '../../../../activities/dialect/sqlite/connect.ts';
import { Ledger } from '../../../../activities/ledger/ledger.ts';
import { createFile } from '../../../support/sqlite.ts';
import { describeDialect } from '../conformance.ts';

describeDialect('sqlite', async () => {
  const file = createFile(`
    create table parent (id integer primary key);
    create table item (id integer primary key, parent_id integer, state text, at datetime);
    create index item_at on item (at);
    create index item_parent on item (parent_id);
    create table child (id integer primary key, item_id integer references item on delete cascade);
    create table note (id integer primary key, item_id integer);
    create table latest (id integer primary key, grp integer, item_id integer)`);
  const { session, close } = connectSqlite(file.path, 'vacuum');
  await new Ledger(session, 'vacuum').migrate();
  return {
    session,
    execute: async (sql) => file.execute(sql),
    value: async (sql) => file.value(sql),
    schema: 'main',
    types: { integer: 'integer', instant: 'timestamp text blank+00:00 with time zone', text: 'text' },
    close: async () => {
      await close();
      file.drop();
    },
  };
});
