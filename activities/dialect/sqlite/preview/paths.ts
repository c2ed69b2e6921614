import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredRoot } from '../../../stored/pass.ts';
import { selectWaiting } from '../../ledger/recorded-files.ts';
import type { DeletedPaths, WhichPasses } from '../../preview.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { columnRef, tableAs } from '../identifiers.ts';
import { findPaths, isPlain, mayMean, selectRecorded } from '../recorded-paths.ts';
import type { Deletions } from './deletions.ts';
import { DELETED } from './tables.ts';

/** Finds the paths by what the passes so far delete. */
export function findDeletedPaths(
  connection: Connection,
  deletions: Deletions,
  root: StoredRoot,
  which: WhichPasses,
): DeletedPaths {
  const items = JSON.stringify(deletions.findItems(root.name, which));
  const upTo = deletions.lastItem;
  const deleted = root.recordedBy.map((recorded) => {
    const { from, path } = findPaths(recorded);
    return sql`
      select ${path} as path
      from ${DELETED} as d
      join ${tableAs(recorded.table, 't')} on t.rowid = d.location${from}
      where
        d.number = ${deletions.numberTable(recorded.table)}
        and d.item in (select value from json_each(${items}))`;
  });
  const checks = root.recordedBy.flatMap((recorded) => {
    const { table, column } = recorded;
    const stays = deletions.isThere(table, 't', upTo);
    const isIn = (condition: RawBuilder<boolean>): RawBuilder<boolean> =>
      sql`exists (select 1 from ${tableAs(table, 't')} where ${condition} and ${stays})`;
    if (isPlain(recorded)) return [isIn(sql`${columnRef('t', column)} = p.path`)];
    return [sql`p.path in (${selectRecorded(recorded, stays)})`, isIn(mayMean(recorded, sql`p.path`))];
  });
  const isRecorded = sql`(${sql.join(checks, sql` or `)})`;
  return {
    async read(chunk, waiting, work) {
      const sources = [...deleted, ...selectWaiting(ledgerTable(connection, 'file'), root, waiting)];
      let after = '';
      for (;;) {
        const { rows } = await connection.run(sql<{ path: string }>`
          select distinct p.path
          from (${sql.join(sources, sql` union all `)}) as p
          where p.path > ${after} and not ${isRecorded}
          order by p.path
          limit ${chunk}`);
        const last = rows.at(-1);
        if (last === undefined) return;
        await work(rows.map(({ path }) => path));
        after = last.path;
      }
    },

    async findStillRecorded(paths) {
      if (paths.length === 0) return [];
      const { rows } = await connection.run(sql<{ path: string }>`
        select p.path
        from (select value as path from json_each(${JSON.stringify(paths)})) as p
        where ${isRecorded}`);
      return rows.map(({ path }) => path);
    },
  };
}
