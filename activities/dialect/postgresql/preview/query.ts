import { sql } from 'kysely';

import type { Catalog } from '../../catalog.ts';
import { toSql } from '../../condition.ts';
import type { PreviewQuery } from '../../preview.ts';
import { createView } from '../../sql-view.ts';
import type { Holds } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { ageColumn } from '../expiry.ts';
import { VIEW } from '../view.ts';
import { addDeleted } from './deleted.ts';
import { findDeletedPaths } from './paths.ts';
import { addRepair } from './repair.ts';
import { PreviewStatement } from './statement.ts';
import { createPreviewView } from './view.ts';

/** Builds the statement from what the passes add, and runs it. */
export function createPreviewQuery(
  connection: Connection,
  catalog: Catalog,
  holds: Holds | undefined,
): PreviewQuery {
  const options = holds === undefined ? {} : { holds };
  const statement = new PreviewStatement(catalog, createView(VIEW, connection, options));
  return {
    view: createPreviewView(connection, options, statement),

    startPass: (name) => statement.startPass(name),

    addDeleted: (deleted) => addDeleted(statement, deleted),

    addRepair: (pointer) => addRepair(statement, pointer),

    addFound(table, age, where) {
      const cte = statement.addCte(
        () => sql`
          select ${ageColumn('t', age)} as age
          from ${statement.tableBefore(table, 't')}
          where (${toSql(where)}) and ${statement.isNotDeletedYet(table, 't')}`,
      );
      statement.addCount(table.label, 'found', cte);
      statement.addAge(table.label, 'oldest found', 'min', cte);
    },

    recordFiles: (roots) => statement.recordFiles(roots),

    lookForPaths: (root, which) => findDeletedPaths(connection, statement, root, which),

    async count() {
      const { rows } = await statement.toSql().execute(connection.db);
      return statement.toCounts(rows[0]?.counts ?? []);
    },

    async plan() {
      await sql`explain ${statement.toSql()}`.execute(connection.db);
    },
  };
}
