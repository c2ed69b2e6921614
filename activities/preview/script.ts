import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Catalog, CatalogTable } from '../sql/catalog.ts';
import type { ForeignKey } from '../sql/foreign-keys.ts';
import type { HeldFamily } from '../sql/free.ts';
import { isFree } from '../sql/free.ts';
import type { Holds } from '../sql/holds.ts';
import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import { newestAgeOf, oldestOf } from '../sql/span.ts';
import type { FileLook } from './files.ts';

/** What a preview counts: rows that would go from a table, be moved, be kept by a hold or be found; and of what time the oldest found is;
 * from when to when rows that would go are. */
export interface PreviewCount {
  readonly pass: string;
  readonly label: string;
  readonly what: 'deleted' | 'moved' | 'held' | 'found' | 'oldest' | 'from' | 'to';
}

/** Rows of one table that a pass would delete, as a named part of the statement. */
export interface Doomed {
  /** The name of the part; it has the column `place` and the columns kept, see {@link kept}. */
  readonly part: string;
  readonly label: string;
}

/** Rows of a table that a part takes. */
interface Gone {
  readonly part: string;
  readonly disjoint: Disjoint | undefined;
  readonly pass: string;
}

/** Why some rows can be no others' children: they are orphans by this column of this parent. */
interface Disjoint {
  readonly by: string;
  readonly parent: string;
}

/**
 * One read-only statement that counts what all passes of a run would delete, one after the other.
 *
 * Each pass adds parts (`with` queries) for the rows it would delete, table by table, cascades included, and leaves
 * out the rows that an earlier part has taken. One statement is one snapshot; nothing is written, so that a role
 * that may only read can preview.
 */
export class PreviewScript {
  readonly #parts: RawBuilder<unknown>[] = [];
  readonly #counts: { readonly count: PreviewCount; readonly from: RawBuilder<unknown> }[] = [];
  readonly #catalog: Catalog;
  readonly #gone = new Map<string, Gone[]>();
  readonly #pointers = new Map<string, string>();
  readonly #recorded = new Set<string>();
  readonly #fileLooks: FileLook[] = [];
  #pass = '';

  /** What nobody may delete; undefined where nobody asks. */
  readonly #holds: Holds | undefined;

  constructor(catalog: Catalog, holds?: Holds) {
    this.#catalog = catalog;
    this.#holds = holds;
  }

  /** Over alias `t`: no hold names the row or what goes along with it; undefined where no hold is about that. */
  free(family: HeldFamily): RawBuilder<boolean> | undefined {
    return this.#holds === undefined ? undefined : isFree(this.#holds, family);
  }

  /** What is added from here on belongs to this pass. */
  begin(pass: string): void {
    this.#pass = pass;
  }

  /** Adds a part and answers its name. */
  part(body: (name: RawBuilder<unknown>) => RawBuilder<unknown>): string {
    const name = `part_${this.#parts.length + 1}`;
    this.#parts.push(sql`${sql.id(name)} as (${body(sql.id(name))})`);
    return name;
  }

  /** Says that a part's rows go from a table, and counts them for the pass. */
  doom(table: TableName, part: string, disjoint?: Disjoint): Doomed {
    const gone = this.#gone.get(table.label) ?? [];
    this.#gone.set(table.label, [...gone, { part, disjoint, pass: this.#pass }]);
    this.count(table.label, 'deleted', part);
    return { part, label: table.label };
  }

  /**
   * A table under an alias, as a pass will find it: where rows that earlier passes take are named by a foreign key with
   * `on delete set null`, its columns are null by then.
   */
  table(table: TableName, alias: string): RawBuilder<unknown> {
    const known = this.#catalog.named(table);
    const unlinked = known === undefined ? [] : this.#unlinked(known);
    if (known === undefined || unlinked.length === 0) return sql`${tableOf(table)} as ${sql.id(alias)}`;
    const columns = [...known.columns.keys()].map((name) => {
      const lost = unlinked
        .filter(({ key }) => key.childColumns.includes(name))
        .map(({ condition }) => condition);
      if (lost.length === 0) return sql.id('u', name);
      return sql`case when ${sql.join(lost, sql` or `)} then null else ${sql.id('u', name)} end as ${sql.id(name)}`;
    });
    return sql`(select u.ctid, ${sql.join(columns)} from ${tableOf(table)} as u) as ${sql.id(alias)}`;
  }

  /** The foreign keys of a table that earlier passes set to null, and for which rows, alias `u`. */
  #unlinked(table: CatalogTable): { readonly key: ForeignKey; readonly condition: RawBuilder<unknown> }[] {
    return this.#catalog.foreignKeys.flatMap((key) => {
      if (key.child !== table.oid || key.onDelete !== 'set null' || !this.#catalog.has(key.parent)) return [];
      const parent = this.#catalog.get(key.parent);
      const earlier = (this.#gone.get(parent.label) ?? []).filter(({ pass }) => pass !== this.#pass);
      const on = key.childColumns.map(
        (column, n) => sql`${sql.id('p', key.parentColumns[n] ?? '')} = ${sql.id('u', column)}`,
      );
      return earlier.map(({ part }) => ({
        key,
        condition: sql`exists (
          select from ${tableOf(parent)} as p
          join ${sql.id(part)} as gone on gone.place = p.ctid
          where ${sql.join(on, sql` and `)}
        )`,
      }));
    });
  }

  /** From when to when the rows of a part with a column `age` are. */
  range(label: string, part: string): void {
    this.measure(label, 'from', sql`(select ${oldestOf('r')} from ${sql.id(part)} as r)`);
    this.measure(label, 'to', sql`(select ${newestAgeOf('r')} from ${sql.id(part)} as r)`);
  }

  count(label: string, what: PreviewCount['what'], part: string): void {
    this.measure(label, what, sql`(select count(*) from ${sql.id(part)})`);
  }

  /** Counts the rows of a table, alias `t`, that would go if they were free. */
  countHeld(table: TableName, where: RawBuilder<unknown>, free: RawBuilder<boolean> | undefined): void {
    if (free === undefined) return;
    const part = this.part(
      () => sql`select t.ctid as place from ${this.table(table, 't')} where ${where} and not ${free}`,
    );
    this.count(table.label, 'held', part);
  }

  /** A number of the preview that is no plain count of a part; null where there is nothing to measure. */
  measure(label: string, what: PreviewCount['what'], from: RawBuilder<unknown>): void {
    this.#counts.push({ count: { pass: this.#pass, label, what }, from });
  }

  /**
   * Over an alias of a table: no part so far takes the row. Parts of orphans by the same column of the same parent
   * need not be looked at for the children of a living one.
   */
  alive(table: TableName, alias: string, childOf?: Disjoint): RawBuilder<boolean> {
    const parts = (this.#gone.get(table.label) ?? []).filter(
      ({ disjoint }) =>
        disjoint === undefined || disjoint.by !== childOf?.by || disjoint.parent !== childOf.parent,
    );
    const checks = parts.map(
      ({ part }) => sql` and not exists (
        select from ${sql.id(part)} as gone
        where gone.place = ${sql.id(alias, 'ctid')}
      )`,
    );
    return sql`true${sql.join(checks, sql``)}`;
  }

  /** Says that the pass records the files, of these roots, of the rows that it takes. */
  recordFiles(roots: readonly string[]): void {
    for (const root of roots) this.#recorded.add(`${this.#pass} ${root}`);
  }

  /** What the pass would do with files is looked at after the rows. */
  lookAtFiles(look: FileLook['look']): void {
    this.#fileLooks.push({ pass: this.#pass, look });
  }

  get fileLooks(): readonly FileLook[] {
    return this.#fileLooks;
  }

  /** The parts so far that take rows of a table, and whether their passes record the files of a root. */
  takenFrom({ label }: TableName, root: string): { part: string; pass: string; records: boolean }[] {
    const gone = this.#gone.get(label) ?? [];
    return gone.map(({ part, pass }) => ({ part, pass, records: this.#recorded.has(`${pass} ${root}`) }));
  }

  /** A select with all parts before it. */
  select<T>(body: RawBuilder<unknown>): RawBuilder<T> {
    return this.#parts.length === 0 ? sql`${body}` : sql`with recursive ${sql.join(this.#parts)} ${body}`;
  }

  /** The part that has what the pointers of a table point at by now; undefined where none was touched yet. */
  pointersOf(holder: TableName): string | undefined {
    return this.#pointers.get(holder.label);
  }

  setPointersOf(holder: TableName, part: string): void {
    this.#pointers.set(holder.label, part);
  }

  /** The statement, which answers one row with the counts in the order of {@link counts}. */
  statement(): RawBuilder<{ counts: (number | null)[] }> {
    const counts = this.#counts.map(({ from }) => from);
    if (counts.length === 0) return sql`select '{}'::float8[] as counts`;
    return sql`
      with recursive ${sql.join(this.#parts)}
      select array[${sql.join(counts)}]::float8[] as counts`;
  }

  get counts(): readonly PreviewCount[] {
    return this.#counts.map(({ count }) => count);
  }
}

/** The name under which a part keeps a column. */
export function kept(column: string): string {
  return `kept_${column}`;
}

/** `place` and the kept columns of an alias, for the select list of a part. */
export function placeAnd(alias: string, columns: Iterable<string>): RawBuilder<unknown> {
  const list = [...new Set(columns)].map(
    (column) => sql`, ${sql.id(alias, column)} as ${sql.id(kept(column))}`,
  );
  return sql`${sql.id(alias, 'ctid')} as place${sql.join(list, sql``)}`;
}
