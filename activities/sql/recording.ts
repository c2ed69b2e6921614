import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from './names.ts';
import { columnOf } from './names.ts';

/** A column that records paths of files below a root. */
export interface FrozenPath {
  /** The name of the root. */
  readonly root: string;
  readonly column: ColumnName;
}

/** The files that wait in the ledger to be deleted, as one pass of a run sees them. */
export interface Outbox {
  readonly table: RawBuilder<unknown>;
  readonly policy: string;
  /** The pass that is at work. */
  readonly pass: string;
  readonly run: number;
}

/** What a delete writes into the outbox: the paths of the rows that really went, in the same statement. */
export interface Recording {
  readonly paths: readonly FrozenPath[];
  readonly outbox: Outbox;
}

/** What a delete of rows records whose columns name files; undefined where none do. */
export function recordingOf(paths: readonly FrozenPath[] | undefined, outbox: Outbox): Recording | undefined {
  return paths === undefined ? undefined : { paths, outbox };
}

/** For the end of the `returning` of a delete of alias `t`. */
export function returningPaths(recording: Recording | undefined): RawBuilder<unknown> {
  const columns = (recording?.paths ?? []).map(
    ({ column }, n) => sql`, ${columnOf('t', column)}::text as ${sql.id(`path_${n}`)}`,
  );
  return sql.join(columns, sql``);
}

/** A part of the statement that follows `gone`, the delete; nothing where nothing is recorded. */
export function recordedFromGone(recording: Recording | undefined): RawBuilder<unknown> {
  if (recording === undefined || recording.paths.length === 0) return sql``;
  const { paths, outbox } = recording;
  const values = paths.map(({ root }, n) => sql`(${root}::text, ${sql.id('gone', `path_${n}`)})`);
  return sql`,
    recorded as (
      insert into ${outbox.table} (policy, pass, run_id, root, path)
      select ${outbox.policy}::text, ${outbox.pass}::text, ${outbox.run}::int, p.root, p.path
      from gone
      cross join lateral (values ${sql.join(values)}) as p(root, path)
      where p.path <> ''
    )`;
}
