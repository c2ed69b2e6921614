import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Recording } from '../rows.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { columnRef } from './identifiers.ts';
import { isPlain, pathsOfRow } from './recorded-paths.ts';

/** For the end of the `returning` of a delete of alias `t`: the paths of the row. */
export function returningPathsSql(recording: Recording | undefined): RawBuilder<unknown> {
  const columns = (recording?.paths ?? []).map(
    (path, n) =>
      sql`, ${isPlain(path) ? sql`${columnRef('t', path.column)}::text` : pathsOfRow(path)} as ${sql.id(`path_${n}`)}`,
  );
  return sql.join(columns, sql``);
}

/** A part of the statement that follows the delete, by its name: writes the paths into the ledger. Empty if nothing is recorded. */
export function recordedPathsSql(
  connection: Connection,
  recording: Recording | undefined,
  source = 'deleted',
): RawBuilder<unknown> {
  if (recording === undefined || recording.paths.length === 0) return sql``;
  const { paths, outbox } = recording;
  const values = paths.map((path, n) => {
    const value = sql.id(source, `path_${n}`);
    return sql`select ${path.root}::text, ${isPlain(path) ? value : sql`unnest(${value})`}`;
  });
  return sql`,
    ${sql.id(`recorded_${source}`)} as (
      insert into ${ledgerTable(connection, 'file')} (policy, pass, run_id, root, path)
      select ${outbox.policy}::text, ${outbox.pass}::text, ${outbox.run}::int, p.root, p.path
      from ${sql.id(source)}
      cross join lateral (${sql.join(values, sql` union all `)}) as p(root, path)
      where p.path <> ''
    )`;
}
