import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredRoot } from '../../../stored/pass.ts';
import type { DeletedPaths } from '../../preview.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { columnRef, tableRef } from '../identifiers.ts';
import type { PreviewStatement } from './statement.ts';

/** Each cursor has a name of its own: if the work on its paths fails, it is open until the transaction ends. */
let cursors = 0;

/** Finds the paths by what the statement deletes up to now. */
export class PostgresDeletedPaths implements DeletedPaths {
  readonly #connection: Connection;
  readonly #root: StoredRoot;
  readonly #withClause: RawBuilder<unknown>;
  /** Selects with the column `path`. */
  readonly #deleted: readonly RawBuilder<unknown>[];
  /** Over column `path` of alias `p`. */
  readonly #isRecorded: RawBuilder<boolean>;

  constructor(
    connection: Connection,
    statement: PreviewStatement,
    root: StoredRoot,
    which: (pass: string, records: boolean) => boolean,
  ) {
    this.#connection = connection;
    this.#root = root;
    this.#withClause = statement.withClause();
    this.#deleted = selectPaths(statement, root, which);
    this.#isRecorded = isRecorded(statement, root);
  }

  async read(
    chunk: number,
    waiting: { readonly policy: string; readonly passes: readonly string[] } | undefined,
    work: (paths: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const sources = [...this.#deleted, ...(waiting === undefined ? [] : [this.#selectWaiting(waiting)])];
    if (sources.length === 0) return;
    const { db } = this.#connection;
    cursors += 1;
    const cursor = sql.id(`vacuum_paths_${cursors}`);
    // A cursor of the server: there may be any number of paths.
    await sql`
      declare ${cursor} no scroll cursor for
      ${this.#withClause}
      select distinct p.path
      from (${sql.join(sources, sql` union all `)}) as p
      where p.path <> '' and not ${this.#isRecorded}`.execute(db);
    for (;;) {
      const { rows } = await sql<{ path: string }>`fetch ${sql.lit(chunk)} from ${cursor}`.execute(db);
      if (rows.length === 0) break;
      await work(rows.map(({ path }) => path));
    }
    await sql`close ${cursor}`.execute(db);
  }

  async findStillRecorded(paths: readonly string[]): Promise<readonly string[]> {
    if (paths.length === 0) return [];
    const { rows } = await sql<{ path: string }>`
      ${this.#withClause}
      select p.path
      from unnest(${[...paths]}::text[]) as p(path)
      where ${this.#isRecorded}`.execute(this.#connection.db);
    return rows.map(({ path }) => path);
  }

  /** A select of the paths that wait in the ledger. */
  #selectWaiting(waiting: {
    readonly policy: string;
    readonly passes: readonly string[];
  }): RawBuilder<unknown> {
    return sql`
      select path
      from ${ledgerTable(this.#connection, 'file')}
      where
        policy = ${waiting.policy}
        and pass = any(${[...waiting.passes]}::text[])
        and root = ${this.#root.name}`;
  }
}

/** Selects of the paths, column `path`, that rows record for a root which some of the passes so far delete. */
function selectPaths(
  statement: PreviewStatement,
  root: StoredRoot,
  which: (pass: string, records: boolean) => boolean,
): RawBuilder<unknown>[] {
  return root.recordedBy.flatMap(({ table, column }) =>
    statement
      .findDeletions(table, root.name)
      .filter(({ pass, records }) => which(pass, records))
      .map(
        ({ cte }) => sql`
          select ${columnRef('t', column)}::text as path
          from ${tableRef(table)} as t
          join ${sql.id(cte)} as deleted on deleted.location = t.ctid`,
      ),
  );
}

/** Over column `path` of alias `p`: a row records it that nothing so far deletes. */
function isRecorded(statement: PreviewStatement, { recordedBy }: StoredRoot): RawBuilder<boolean> {
  const checks = recordedBy.map(
    ({ table, column }) => sql`exists (
      select from ${tableRef(table)} as t
      where ${columnRef('t', column)} = p.path and ${statement.isNotDeletedYet(table, 't')}
    )`,
  );
  return sql`(${sql.join(checks, sql` or `)})`;
}
