import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Recording } from '../rows.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { readPaths } from './recorded-paths.ts';

/** For the end of the `returning` of a delete: the paths of the row, columns `path_0`, `path_1` and so on. */
export function returningPaths(recording: Recording | undefined): RawBuilder<unknown>[] {
  return (recording?.paths ?? []).map(({ column, parts }, n) => {
    // No alias is known here.
    const texts = (parts ?? [column]).map((part) =>
      typeof part === 'string' ? sql`${part}` : sql`cast(${sql.id(part.name)} as text)`,
    );
    return sql`${sql.join(texts, sql` || `)} as ${sql.id(`path_${n}`)}`;
  });
}

/** Writes the paths of rows that were deleted into the ledger, in the same transaction. */
export async function recordPaths(
  connection: Connection,
  recording: Recording | undefined,
  rows: readonly object[],
): Promise<void> {
  if (recording === undefined || recording.paths.length === 0) return;
  const { paths, outbox } = recording;
  const files = rows.flatMap((row) =>
    paths.flatMap(({ root, json }, n) => {
      const value = (row as Record<string, string | null>)[`path_${n}`] ?? null;
      const recorded = json === undefined ? [value ?? ''] : readPaths(value, json);
      return recorded.filter((path) => path !== '').map((path) => ({ root, path }));
    }),
  );
  if (files.length === 0) return;
  await connection.run(sql`
    insert into ${ledgerTable(connection, 'file')} (policy, pass, run_id, root, path, recorded_at)
    select
      ${outbox.policy}, ${outbox.pass}, ${outbox.run},
      f.value ->> 'root', f.value ->> 'path', ${Date.now()}
    from json_each(${JSON.stringify(files)}) as f`);
}
