import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { connectSqlite } from '../../../../activities/dialect/sqlite/connect.ts';
import { Ledger } from '../../../../activities/ledger/ledger.ts';
import type { ColumnName, TableName } from '../../../../activities/stored/columns.ts';
import type { RowTree } from '../../../../activities/stored/row-tree.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

const nameTable = (name: string): TableName => ({ schema: 'main', name, label: name });
const NODE = nameTable('node');
const AT: ColumnName = { name: 'at', type: 'timestamp text blank+00:00 with time zone' };

// Rows that are reached along several ways, as in SQLite they are listed first and deleted table by table.
describe('a graph of rows in SQLite', () => {
  let file: TestFile;
  let open: ReturnType<typeof connectSqlite>;

  beforeEach(() => {
    file = createFile(`
      create table node (id integer primary key, parent_id integer references node on delete cascade, named_id integer references node, kind text, at datetime);
      create table log (id integer primary key, node_id integer);
      insert into node (id, parent_id, named_id, kind) values (1, null, null, 'old'), (2, 1, null, 'new'), (3, null, null, 'old'), (4, null, 3, 'old'),
        (5, null, null, 'old'), (6, null, 5, 'new'), (7, null, 5, 'old');
      insert into log select 10 * id, id from node;`);
    open = connectSqlite(file.path, 'vacuum');
  });
  afterEach(async () => {
    await open.close();
    file.drop();
  });

  const tree: RowTree = {
    table: NODE,
    cascades: [
      { from: -1, table: NODE, on: [{ child: 'parent_id', parent: 'id' }] },
      { from: -1, table: nameTable('log'), on: [{ child: 'node_id', parent: 'id' }] },
    ],
    graph: { tables: [] },
  };
  const limits = { lockMillis: 1000, statementMillis: 1000 };
  const outbox = { policy: 'p', pass: 'p', run: 1 };

  test('goes whole, whatever names what, and a row stays of which the condition is not true', async () => {
    const rows = await open.session.transaction(limits, async (tx) => {
      const old = tx.view().matches({ text: `"t"."kind" = 'old'`, values: [], selects: false });
      await tx.rows.lockGraph(tree, ['1', '3', '4', '6', '7'], old);
      const { rows: deleted } = await tx.rows.deleteGraph(tree, ['1', '3', '4', '6', '7'], old, outbox);
      return deleted;
    });
    // 2 is new and in 1, 4 names 3; 6 is new.
    expect(rows).toBe(4);
    expect(file.rows('select id from node order by id')).toEqual([{ id: 5 }, { id: 6 }]);
    expect(file.rows('select id from log order by id')).toEqual([{ id: 50 }, { id: 60 }]);
  });

  test('stays whole if a trigger keeps a row of it, and nothing is recorded of what stays', async () => {
    file.execute(`create trigger keep before delete on log when old.id = 20 begin select raise(ignore); end`);
    await new Ledger(open.session, 'vacuum').migrate();
    const text: ColumnName = { name: 'kind', type: 'text' };
    const recording: RowTree = {
      ...tree,
      watched: { triggers: ['trigger keep of table log'], links: [] },
      graph: { tables: [{ table: NODE, pointers: [], files: [{ root: 'r', column: text }] }] },
    };
    const deleting = open.session.transaction(limits, async (tx) => {
      const old = tx.view().matches({ text: `"t"."kind" = 'old'`, values: [], selects: false });
      return tx.rows.deleteGraph(recording, ['1', '3'], old, outbox);
    });
    await expect(deleting).rejects.toMatchObject({
      name: 'RowsKeptByTrigger',
      names: 'trigger keep of table log',
    });
    expect(file.value('select count(*) from node')).toBe(7);
    expect(file.value('select count(*) from log')).toBe(7);
    expect(file.value('select count(*) from vacuum_file')).toBe(0);
  });

  test('a preview counts the same', async () => {
    const counts = await open.session.transaction(limits, async (tx) => {
      const catalog = await tx.facts.readCatalog([
        { schema: undefined, name: 'node' },
        { schema: undefined, name: 'log' },
      ]);
      const query = tx.startPreview(catalog, undefined);
      query.startPass('old');
      const where = query.view.matches({ text: `"t"."kind" = 'old'`, values: [], selects: false });
      query.addDeleted({ tree, where, notHeld: undefined, notReferenced: undefined, ages: [AT] });
      return query.count();
    });
    const deleted = counts.filter(({ what }) => what === 'deleted').map(({ label, value }) => [label, value]);
    expect(deleted).toEqual([
      ['node', 6],
      ['log', 6],
    ]);
  });
});
