import { openDatabase } from '../../../../activities/ledger/database.ts';
import { createDatabase } from '../../../support/database.ts';
import { describeDialect } from '../conformance.ts';

describeDialect('postgresql', async () => {
  const database = await createDatabase('template0');
  await database.rows(`
    create table parent (id integer primary key);
    create table item (id integer primary key, parent_id integer, state text, at timestamptz);
    create index on item (at);
    create index on item (parent_id);
    create table child (id integer primary key, item_id integer references item on delete cascade);
    create table note (id integer primary key, item_id integer);
    create table latest (id integer primary key, grp integer, item_id integer)`);
  const { session, ledger, close } = await openDatabase(database.url);
  await ledger.migrate();
  return {
    session,
    execute: async (sql) => void (await database.rows(sql)),
    value: async (sql) => database.value(sql),
    schema: 'public',
    types: { integer: 'integer', instant: 'timestamp with time zone', text: 'text' },
    close: async () => {
      await close();
      await database.drop();
    },
  };
});
