import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../../stored/columns.ts';
import type { StoredRoot } from '../../../stored/pass.ts';
import type { RowTree, StoredPointer } from '../../../stored/row-tree.ts';
import { blockedSql, listInner } from '../../blockers.ts';
import type { Catalog } from '../../catalog.ts';
import { toSql } from '../../condition.ts';
import { references } from '../../join-path.ts';
import type {
  DeletedPaths,
  PreviewCount,
  PreviewedDelete,
  PreviewQuery,
  WhichPasses,
} from '../../preview.ts';
import { isStale } from '../../references.ts';
import { listClearedLinks } from '../../set-null-links.ts';
import { createView } from '../../sql-view.ts';
import type { Condition, Holds, View } from '../../view.ts';
import { edgeSql } from '../blockers.ts';
import type { Connection } from '../connection.ts';
import { ageMillis } from '../expiry.ts';
import { columnRef, tableAs } from '../identifiers.ts';
import { selectNewestTarget } from '../pointers.ts';
import { VIEW } from '../view.ts';
import type { Item } from './deletions.ts';
import { Deletions } from './deletions.ts';
import { followCascades, followChildren, listPointers, listTables } from './follow-rows.ts';
import { findDeletedPaths } from './paths.ts';
import { DELETED, makePreviewTables, MOVED } from './tables.ts';
import { createPreviewView } from './view.ts';

/** Runs one step of a preview. */
type Step = (connection: Connection) => Promise<void>;

/**
 * Counts what passes would delete, step after step on one snapshot: temporary tables hold the rows that are deleted so far.
 * A connection that may only read can do it.
 */
export class SqlitePreviewQuery implements PreviewQuery {
  readonly view: View;
  readonly #connection: Connection;
  readonly #live: View;
  readonly #deletions: Deletions;
  readonly #steps: Step[] = [];
  readonly #conditions: { readonly table: TableName; readonly where: RawBuilder<unknown> }[] = [];
  readonly #counts: PreviewCount[] = [];

  constructor(connection: Connection, catalog: Catalog, holds: Holds | undefined) {
    const options = holds === undefined ? {} : { holds };
    this.#connection = connection;
    this.#live = createView(VIEW, connection, options);
    this.#deletions = new Deletions(catalog);
    this.view = createPreviewView(connection, options, this.#deletions, (statement) =>
      this.#steps.push(async (own) => void (await own.run(statement))),
    );
  }

  startPass(name: string): void {
    this.#deletions.startPass(name);
  }

  addDeleted(deleted: PreviewedDelete): void {
    const { tree, where, notHeld, notReferenced, undated, ages, nesting = null, pointers = [] } = deleted;
    const { table, cascades, key = null, children = [], graph } = tree;
    const item = this.#deletions.addItem();
    this.#deletions.clearReferences(item, listClearedLinks(tree));
    const source = this.#deletions.source(table, 't');
    const all = sql`(${toSql(where)}) and ${this.#deletions.isThere(table, 't')} and vacuum_goes_on()`;
    const unreferenced = notReferenced === undefined ? all : sql`${all} and (${toSql(notReferenced)})`;
    const free = notHeld === undefined ? unreferenced : sql`${unreferenced} and (${toSql(notHeld)})`;
    const levels = (which: RawBuilder<unknown>, isFirst: boolean): RawBuilder<unknown> => {
      if (nesting === null) return sql`select t.rowid as location from ${source} where ${which}`;
      const outer = columnRef('t', nesting.column);
      if (isFirst) return sql`select t.rowid as location from ${source} where ${which} and ${outer} is null`;
      // Rows nested in those that this item deletes: they are not nested any more once these are deleted.
      const chain = nesting.chain.map(
        (step, n) =>
          sql`join ${tableAs(step.table, `c${n}`)} on ${references(`c${n}`, n === 0 ? 'p' : `c${n - 1}`, step)}`,
      );
      const last = nesting.chain.length === 0 ? 'p' : `c${nesting.chain.length - 1}`;
      return sql`
        select t.rowid as location
        from ${DELETED} as d
        join ${tableAs(table, 'p')} on p.rowid = d.location
        ${sql.join(chain, sql` `)}
        join ${source} on ${outer} = ${sql.id(last, nesting.references)}
        where
          d.number = ${this.#deletions.numberTable(table)} and d.item = ${item.number} and d.root
          and ${which}`;
    };
    this.#conditions.push({ table, where: sql`(${toSql(where)})` });
    for (const test of [notHeld, notReferenced, undated]) {
      if (test !== undefined) this.#conditions.push({ table, where: toSql(test) });
    }
    this.#steps.push(async (connection) => {
      const add = async (isFirst: boolean): Promise<number> =>
        this.#deletions.add(connection, item, table, levels(free, isFirst), true);
      if (undated !== undefined) {
        const { rows } = await connection.run(sql<{ rows: number }>`
          select count(*) as rows
          from ${source}
          where (${toSql(undated)}) and ${this.#deletions.isThere(table, 't')} and vacuum_goes_on()`);
        this.#count(item, table, 'undated', rows[0]?.rows ?? 0);
      }
      await add(true);
      if (nesting !== null) while ((await add(false)) > 0);
      const chained = await this.#leaveChained(connection, item, tree);
      const countKept = async (kept: RawBuilder<unknown>): Promise<number> => {
        const parts = nesting === null ? [levels(kept, true)] : [levels(kept, true), levels(kept, false)];
        const { rows } = await connection.run(sql<{ rows: number }>`
          select count(distinct location) as rows from (${sql.join(parts, sql` union all `)})`);
        return rows[0]?.rows ?? 0;
      };
      if (notHeld !== undefined) {
        this.#count(item, table, 'held', await countKept(sql`${unreferenced} and not (${toSql(notHeld)})`));
      }
      const referenced =
        notReferenced === undefined ? 0 : await countKept(sql`${all} and not (${toSql(notReferenced)})`);
      this.#count(item, table, 'blocked', referenced + chained);
      await followCascades(connection, this.#deletions, item, table, cascades);
      if (key !== null) await followChildren(connection, this.#deletions, item, table, children);
      await this.#countDeleted(connection, item, [
        table,
        ...cascades.map((step) => step.table),
        ...children.flatMap(listTables),
      ]);
      const { rows } = await connection.run(sql<{ oldest: number | null; newest: number | null }>`
        select min(${ageMillis('t', ages)}) as oldest, max(${ageMillis('t', ages)}) as newest
        from ${DELETED} as d
        join ${tableAs(table, 't')} on t.rowid = d.location
        where d.number = ${this.#deletions.numberTable(table)} and d.item = ${item.number} and d.root`);
      this.#count(item, table, 'oldest', rows[0]?.oldest ?? null);
      this.#count(item, table, 'newest', rows[0]?.newest ?? null);
    });
    const targeted = graph?.tables.flatMap((one) => one.pointers) ?? [];
    for (const pointer of [...pointers, ...children.flatMap(listPointers), ...targeted]) {
      this.#addRepair(pointer, item);
    }
  }

  /** Leaves the rows that a row references which stays, by a foreign key within the tree. Returns how many. */
  async #leaveChained(connection: Connection, item: Item, tree: RowTree): Promise<number> {
    const blockers = listInner(tree);
    if (blockers.length === 0) return 0;
    const own = sql`number = ${this.#deletions.numberTable(tree.table)} and item = ${item.number} and root`;
    const rows = sql`(select location from ${DELETED} where ${own})`;
    const { changes } = await connection.run(sql`
      with recursive ${edgeSql(tree.table, blockers, rows)}, ${blockedSql(rows)}
      delete from ${DELETED} where ${own} and location in (select location from blocked)`);
    return changes;
  }

  addRepair(pointer: StoredPointer): void {
    this.#addRepair(pointer, undefined);
  }

  addFound(table: TableName, age: ColumnName, where: Condition): void {
    const item = this.#deletions.addItem();
    const source = this.#deletions.source(table, 't');
    this.#conditions.push({ table, where: toSql(where) });
    this.#steps.push(async (connection) => {
      const { rows } = await connection.run(sql<{ rows: number; oldest: number | null }>`
        select count(*) as rows, min(${ageMillis('t', [age])}) as oldest
        from ${source}
        where (${toSql(where)}) and ${this.#deletions.isThere(table, 't')} and vacuum_goes_on()`);
      this.#count(item, table, 'found', rows[0]?.rows ?? 0);
      this.#count(item, table, 'oldest found', rows[0]?.oldest ?? null);
    });
  }

  recordFiles(roots: readonly string[]): void {
    this.#deletions.recordFiles(roots);
  }

  lookForPaths(root: StoredRoot, which: WhichPasses): DeletedPaths {
    return findDeletedPaths(this.#connection, this.#deletions, root, which);
  }

  async count(): Promise<readonly PreviewCount[]> {
    await makePreviewTables(this.#connection);
    this.#counts.length = 0;
    for (const step of this.#steps) await step(this.#connection);
    return this.#counts;
  }

  async plan(): Promise<void> {
    await makePreviewTables(this.#connection);
    for (const { table, where } of this.#conditions) {
      await this.#connection.run(sql`explain select 1 from ${tableAs(table, 't')} where ${where}`);
    }
  }

  /** Adds the repair of pointers at nothing: those of the groups of which an item deleted rows, or all. */
  #addRepair(pointer: StoredPointer, deleted: Item | undefined): void {
    const item = this.#deletions.addItem();
    const { holder, target, cascades } = pointer;
    const notHeld = this.#live.isNotHeld({ table: holder, cascades });
    const number = this.#deletions.numberTable(target);
    const isTouched =
      deleted === undefined
        ? sql`true`
        : sql`${columnRef('t', pointer.holderGroup)} in (
            select ${columnRef('r', pointer.targetGroup)}
            from ${DELETED} as d
            join ${tableAs(target, 'r')} on r.rowid = d.location
            where d.number = ${number} and d.item = ${deleted.number}
          )`;
    const stale = sql`
      ${isTouched}
      and ${isStale(this.#deletions.seen, pointer, this.#deletions.pointerValue(pointer))}
      and ${this.#deletions.isThere(holder, 't')}`;
    const newest = selectNewestTarget(this.#deletions.seen, pointer);
    this.#steps.push(async (connection) => {
      const { changes: moved } = await connection.run(sql`
        insert or replace into ${MOVED} (number, location, target)
        select ${this.#deletions.numberPointer(pointer)}, s.location, s.target
        from (select t.rowid as location, ${newest} as target from ${tableAs(holder, 't')} where ${stale}) as s
        where s.target is not null`);
      this.#count(item, holder, 'moved', moved);
      // Those that moved are not stale any more.
      const select = (which: RawBuilder<unknown>): RawBuilder<unknown> =>
        sql`select t.rowid as location from ${tableAs(holder, 't')} where ${stale} and ${which}`;
      if (notHeld !== undefined && deleted === undefined) {
        const { rows } = await connection.run(sql<{ rows: number }>`
          select count(*) as rows from (${select(sql`not (${toSql(notHeld)})`)})`);
        this.#count(item, holder, 'held', rows[0]?.rows ?? 0);
      }
      const free = notHeld === undefined ? sql`true` : toSql(notHeld);
      await this.#deletions.add(connection, item, holder, select(free), true);
      await followCascades(connection, this.#deletions, item, holder, cascades);
      await this.#countDeleted(connection, item, [holder, ...cascades.map((step) => step.table)]);
    });
  }

  async #countDeleted(connection: Connection, item: Item, tables: readonly TableName[]): Promise<void> {
    const { rows } = await connection.run(sql<{ number: number; rows: number }>`
      select number, count(*) as rows from ${DELETED} where item = ${item.number} group by number`);
    for (const table of new Map(tables.map((one) => [one.label, one])).values()) {
      const number = this.#deletions.numberTable(table);
      this.#count(item, table, 'deleted', rows.find((row) => row.number === number)?.rows ?? 0);
    }
  }

  #count({ pass }: Item, { label }: TableName, what: PreviewCount['what'], value: number | null): void {
    this.#counts.push({ pass, label, what, value });
  }
}
