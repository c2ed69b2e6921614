import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { RowLink, RowTree, StoredPointer } from '../../../stored/row-tree.ts';
import type { Catalog } from '../../catalog.ts';
import { toSql } from '../../condition.ts';
import type { PreviewCount } from '../../preview.ts';
import type { SeenTables } from '../../references.ts';
import { notExists } from '../../references.ts';
import type { View } from '../../view.ts';
import { qualifiedName, tableAs, tableRef } from '../identifiers.ts';
import type { ClearedLink } from './unlinked.ts';
import { listUnlinked } from './unlinked.ts';

/** Rows of one table that a pass deletes. */
export interface DeletedRowsCte {
  /** The common table expression. It has the column `location`, and others by the names of `keptColumn`. */
  readonly cte: string;
  /** The label of the table. */
  readonly label: string;
}

/** A column that references a parent, and the label of the parent's table. */
interface ParentColumn {
  readonly by: string;
  readonly parent: string;
}

/** Rows that a pass deletes from a table. */
interface Deletion {
  readonly table: TableName;
  readonly cte: string;
  readonly pass: string;
  /** They are orphans by this column: no row that is still there is their parent. */
  readonly orphansOf: ParentColumn | undefined;
}

/**
 * One read-only statement that counts what all passes of a run would delete, one after the other.
 *
 * Each pass adds common table expressions for the rows that it deletes, table by table, cascades included. They leave
 * out the rows that an earlier one deletes. One statement reads one snapshot and writes nothing: a role that may only
 * read can preview.
 */
export class PreviewStatement {
  readonly #ctes: RawBuilder<unknown>[] = [];
  readonly #counts: { readonly count: Omit<PreviewCount, 'value'>; readonly value: RawBuilder<unknown> }[] =
    [];
  /** By the own name of the table: several partitions may have the label of the whole. */
  readonly #deletions = new Map<string, Deletion[]>();
  readonly #pointers = new Map<string, string>();
  readonly #recordings = new Set<string>();
  readonly #cleared: ClearedLink[] = [];
  readonly #catalog: Catalog;
  readonly #live: Pick<View, 'isNotHeld'>;
  /** The tables without what is deleted so far. */
  readonly seen: SeenTables = {
    tableAs,
    withNulls: (table, alias) => this.tableBefore(table, alias),
    isThere: (table, alias) => this.isNotDeletedYet(table, alias),
    hasNone: notExists,
  };
  #pass = '';

  constructor(catalog: Catalog, live: Pick<View, 'isNotHeld'>) {
    this.#catalog = catalog;
    this.#live = live;
  }

  /** What is added from here on belongs to this pass. */
  startPass(name: string): void {
    this.#pass = name;
  }

  /** Adds a common table expression and returns its name. The body may refer to itself. */
  addCte(body: (self: RawBuilder<unknown>) => RawBuilder<unknown>): string {
    const name = `cte_${this.#ctes.length + 1}`;
    this.#ctes.push(sql`${sql.id(name)} as (${body(sql.id(name))})`);
    return name;
  }

  /** The `with` clause of everything so far. */
  withClause(): RawBuilder<unknown> {
    return this.#ctes.length === 0 ? sql`` : sql`with recursive ${sql.join([...this.#ctes])}`;
  }

  /** The pass deletes the rows of a common table expression from a table. Counts them. */
  markDeleted(table: TableName, cte: string, orphansOf?: ParentColumn): DeletedRowsCte {
    const earlier = this.#findDeletions(table);
    this.#deletions.set(qualifiedName(table), [...earlier, { table, cte, pass: this.#pass, orphansOf }]);
    this.addCount(table.label, 'deleted', cte);
    return { cte, label: table.label };
  }

  /** What deletes rows of a table so far, and whether the pass records the files of a root. */
  findDeletions(table: TableName, root: string): { cte: string; pass: string; records: boolean }[] {
    return this.#findDeletions(table).map(({ cte, pass }) => ({
      cte,
      pass,
      records: this.#recordings.has(recording(pass, root)),
    }));
  }

  /** The pass sets references of these links to null. */
  clearReferences(links: readonly RowLink[]): void {
    this.#cleared.push(...links.map((link) => ({ link, pass: this.#pass })));
  }

  /** The pass records the files, of these roots, of the rows that it deletes. */
  recordFiles(roots: readonly string[]): void {
    for (const root of roots) this.#recordings.add(recording(this.#pass, root));
  }

  /**
   * Over an alias of a table: nothing so far deletes the row. Orphans by a column of a parent need not be looked at for
   * `childOf`, the children by that column of a parent that is still there.
   */
  isNotDeletedYet(table: TableName, alias: string, childOf?: ParentColumn): RawBuilder<boolean> {
    if (table.partitioned === true) return this.#isNotDeletedIn(alias);
    return this.#isNotDeletedAt(table, sql.id(alias, 'ctid'), childOf);
  }

  /**
   * Over an alias of a partitioned table: nothing so far deletes the row from the table that is its partition. One list of
   * all, which is hashed: a check for each of 1000 dropped partitions took 66 s to ask 23,000 rows.
   */
  #isNotDeletedIn(alias: string): RawBuilder<boolean> {
    const lists = [...this.#deletions.values()]
      .flat()
      .map(
        ({ table, cte }) =>
          sql`select to_regclass(${qualifiedName(table)})::oid as partition, location from ${sql.id(cte)}`,
      );
    if (lists.length === 0) return sql`true`;
    return sql`not exists (
      select from (${sql.join(lists, sql` union all `)}) as deleted
      where deleted.partition = ${sql.id(alias, 'tableoid')} and deleted.location = ${sql.id(alias, 'ctid')}
    )`;
  }

  #findDeletions(table: TableName): readonly Deletion[] {
    return this.#deletions.get(qualifiedName(table)) ?? [];
  }

  #isNotDeletedAt(
    table: TableName,
    location: RawBuilder<unknown>,
    childOf: ParentColumn | undefined,
  ): RawBuilder<boolean> {
    const checks = this.#findDeletions(table)
      .filter(
        ({ orphansOf }) =>
          orphansOf === undefined || orphansOf.by !== childOf?.by || orphansOf.parent !== childOf.parent,
      )
      .map(
        ({ cte }) => sql` and not exists (
          select from ${sql.id(cte)} as deleted
          where deleted.location = ${location}
        )`,
      );
    return sql`true${sql.join(checks, sql``)}`;
  }

  /** The same for the column `location` of an alias. */
  isLocationNotDeletedYet(table: TableName, alias: string): RawBuilder<boolean> {
    return this.#isNotDeletedAt(table, sql.id(alias, 'location'), undefined);
  }

  /**
   * A table under an alias, as the pass finds it. Foreign keys with `on delete set null` that reference rows that earlier
   * passes delete are null by then.
   */
  tableBefore(table: TableName, alias: string): RawBuilder<unknown> {
    const known = this.#catalog.named(table);
    const unlinked =
      known === undefined
        ? []
        : listUnlinked(this.#catalog, known, this.#cleared, (parent, pass) =>
            this.#listEarlier(parent, pass),
          );
    if (known === undefined || unlinked.length === 0) return tableAs(table, alias);
    const columns = [...known.columns.keys()].map((name) => {
      const conditions = unlinked
        .filter(({ columns: own }) => own.includes(name))
        .map(({ condition }) => condition);
      if (conditions.length === 0) return sql.id('u', name);
      return sql`
        case when ${sql.join(conditions, sql` or `)} then null else ${sql.id('u', name)} end as ${sql.id(name)}`;
    });
    return sql`(select u.ctid, ${sql.join(columns)} from ${tableRef(table)} as u) as ${sql.id(alias)}`;
  }

  /** What passes before this one delete from a table: all of them, or one of them. */
  #listEarlier(table: TableName, by?: string): string[] {
    return this.#findDeletions(table)
      .filter(({ pass }) => pass !== this.#pass && (by === undefined || pass === by))
      .map(({ cte }) => cte);
  }

  /** Over alias `t`: no hold names the row or what is deleted along with it; undefined if no hold is about that. */
  isNotHeld(tree: RowTree): RawBuilder<boolean> | undefined {
    const condition = this.#live.isNotHeld(tree);
    return condition === undefined ? undefined : toSql(condition);
  }

  /** The common table expression with the present values of a pointer; undefined if nothing has touched it yet. */
  findPointers(pointer: StoredPointer): string | undefined {
    return this.#pointers.get(pointerKey(pointer));
  }

  setPointers(pointer: StoredPointer, cte: string): void {
    this.#pointers.set(pointerKey(pointer), cte);
  }

  /** Counts the rows of a common table expression. */
  addCount(label: string, what: PreviewCount['what'], cte: string): void {
    this.addValue(label, what, sql`(select count(*) from ${sql.id(cte)})`);
  }

  /** Adds the least or the greatest `age` of a common table expression, in milliseconds since the epoch. */
  addAge(label: string, what: PreviewCount['what'], which: 'min' | 'max', cte: string): void {
    const age = sql`(1000 * extract(epoch from ${sql.raw(which)}(r.age)))::float8`;
    this.addValue(label, what, sql`(select ${age} from ${sql.id(cte)} as r)`);
  }

  addValue(label: string, what: PreviewCount['what'], value: RawBuilder<unknown>): void {
    this.#counts.push({ count: { pass: this.#pass, label, what }, value });
  }

  /** The statement. It returns one row with all counts. */
  toSql(): RawBuilder<{ counts: (number | null)[] }> {
    if (this.#counts.length === 0) return sql`select '{}'::float8[] as counts`;
    return sql`${this.withClause()} select array[${sql.join(this.#counts.map(({ value }) => value))}]::float8[] as counts`;
  }

  /** What the statement returned, by pass and table. */
  toCounts(values: readonly (number | null)[]): PreviewCount[] {
    return this.#counts.map(({ count }, n) => ({ ...count, value: values[n] ?? null }));
  }
}

function recording(pass: string, root: string): string {
  return JSON.stringify([pass, root]);
}

function pointerKey({ holder, pointer }: StoredPointer): string {
  return JSON.stringify([holder.label, pointer.name]);
}
