import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../../stored/columns.ts';
import type { StoredRoot } from '../../../stored/pass.ts';
import type { StoredPointer } from '../../../stored/row-tree.ts';
import type { Catalog } from '../../catalog.ts';
import { toSql } from '../../condition.ts';
import type { DeletedPaths, PreviewCount, PreviewQuery, PreviewedDelete } from '../../preview.ts';
import type { Condition, Holds, View } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { ageColumn } from '../expiry.ts';
import { LiveView } from '../view.ts';
import { addDeleted } from './deleted.ts';
import { PostgresDeletedPaths } from './paths.ts';
import { addRepair } from './repair.ts';
import { PreviewStatement } from './statement.ts';
import { PreviewView } from './view.ts';

/** Builds the statement from what the passes add, and runs it. */
export class PostgresPreviewQuery implements PreviewQuery {
  readonly view: View;
  readonly #connection: Connection;
  readonly #statement: PreviewStatement;

  constructor(connection: Connection, catalog: Catalog, holds: Holds | undefined) {
    const options = holds === undefined ? {} : { holds };
    this.#connection = connection;
    this.#statement = new PreviewStatement(catalog, new LiveView(connection, options));
    this.view = new PreviewView(connection, options, this.#statement);
  }

  startPass(name: string): void {
    this.#statement.startPass(name);
  }

  addDeleted(deleted: PreviewedDelete): void {
    addDeleted(this.#statement, deleted);
  }

  addRepair(pointer: StoredPointer): void {
    addRepair(this.#statement, pointer);
  }

  addFound(table: TableName, age: ColumnName, where: Condition): void {
    const statement = this.#statement;
    const cte = statement.addCte(
      () => sql`
        select ${ageColumn('t', age)} as age
        from ${statement.tableBefore(table, 't')}
        where (${toSql(where)}) and ${statement.isNotDeletedYet(table, 't')}`,
    );
    statement.addCount(table.label, 'found', cte);
    statement.addAge(table.label, 'oldest found', 'min', cte);
  }

  recordFiles(roots: readonly string[]): void {
    this.#statement.recordFiles(roots);
  }

  lookForPaths(root: StoredRoot, which: (pass: string, records: boolean) => boolean): DeletedPaths {
    return new PostgresDeletedPaths(this.#connection, this.#statement, root, which);
  }

  async count(): Promise<readonly PreviewCount[]> {
    const { rows } = await this.#statement.toSql().execute(this.#connection.db);
    return this.#statement.toCounts(rows[0]?.counts ?? []);
  }

  async plan(): Promise<void> {
    await sql`explain ${this.#statement.toSql()}`.execute(this.#connection.db);
  }
}
