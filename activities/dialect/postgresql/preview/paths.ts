import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredRoot } from '../../../stored/pass.ts';
import { selectWaiting } from '../../ledger/recorded-files.ts';
import type { DeletedPaths, WhichPasses } from '../../preview.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { columnRef, tableRef } from '../identifiers.ts';
import { findPaths, isPlain, mayMean, selectRecorded } from '../recorded-paths.ts';
import type { PreviewStatement } from './statement.ts';

/** Each cursor has a name of its own: if the work on its paths fails, it is open until the transaction ends. */
let cursors = 0;

/** Finds the paths by what the statement deletes up to now. */
export function findDeletedPaths(
  connection: Connection,
  statement: PreviewStatement,
  root: StoredRoot,
  which: WhichPasses,
): DeletedPaths {
  const { db } = connection;
  const withClause = statement.withClause();
  const deleted = selectPaths(statement, root, which);
  const isRecorded = isRecordedBy(statement, root);
  return {
    async read(chunk, waiting, work) {
      const sources = [...deleted, ...selectWaiting(ledgerTable(connection, 'file'), root, waiting)];
      if (sources.length === 0) return;
      cursors += 1;
      const cursor = sql.id(`vacuum_paths_${cursors}`);
      // A cursor of the server: there may be any number of paths.
      await sql`
        declare ${cursor} no scroll cursor for
        ${withClause}
        select distinct p.path
        from (${sql.join(sources, sql` union all `)}) as p
        where p.path <> '' and not ${isRecorded}`.execute(db);
      for (;;) {
        const { rows } = await sql<{ path: string }>`fetch ${sql.lit(chunk)} from ${cursor}`.execute(db);
        if (rows.length === 0) break;
        await work(rows.map(({ path }) => path));
      }
      await sql`close ${cursor}`.execute(db);
    },

    async findStillRecorded(paths) {
      if (paths.length === 0) return [];
      const { rows } = await sql<{ path: string }>`
        ${withClause}
        select p.path
        from unnest(${[...paths]}::text[]) as p(path)
        where ${isRecorded}`.execute(db);
      return rows.map(({ path }) => path);
    },
  };
}

/** Selects of the paths, column `path`, that rows record for a root which some of the passes so far delete. */
function selectPaths(
  statement: PreviewStatement,
  root: StoredRoot,
  which: WhichPasses,
): RawBuilder<unknown>[] {
  return root.recordedBy.flatMap((recorded) =>
    statement
      .findDeletions(recorded.table, root.name)
      .filter(({ pass, records }) => which(pass, records))
      .map(
        ({ cte }) => sql`
          select ${findPaths(recorded).path} as path
          from ${tableRef(recorded.table)} as t
          join ${sql.id(cte)} as deleted on deleted.location = t.ctid${findPaths(recorded).from}`,
      ),
  );
}

/** Over column `path` of alias `p`: a row records it that nothing so far deletes. */
function isRecordedBy(statement: PreviewStatement, { recordedBy }: StoredRoot): RawBuilder<boolean> {
  const checks = recordedBy.flatMap((recorded) => {
    const { table, column } = recorded;
    const stays = statement.isNotDeletedYet(table, 't');
    const isIn = (condition: RawBuilder<boolean>): RawBuilder<boolean> =>
      sql`exists (select from ${tableRef(table)} as t where ${condition} and ${stays})`;
    if (isPlain(recorded)) return [isIn(sql`${columnRef('t', column)} = p.path`)];
    // All of them once, in a hash: no index has them.
    return [
      sql`coalesce(p.path in (${selectRecorded(recorded, stays)}), false)`,
      isIn(mayMean(recorded, sql`p.path`)),
    ];
  });
  return sql`(${sql.join(checks, sql` or `)})`;
}
