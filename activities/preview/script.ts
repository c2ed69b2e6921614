import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../sql/names.ts';

/** What a preview counts: rows that would go from a table, or pointers that would move. */
export interface PreviewCount {
  readonly pass: string;
  readonly label: string;
  readonly what: 'deleted' | 'moved';
}

/** Rows of one table that a pass would delete, as a named part of the statement. */
export interface Doomed {
  /** The name of the part; it has the column `place` and the columns kept, see {@link kept}. */
  readonly part: string;
  readonly label: string;
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
  readonly #gone = new Map<string, { readonly part: string; readonly disjoint: Disjoint | undefined }[]>();
  readonly #pointers = new Map<string, string>();
  #pass = '';

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
    this.#gone.set(table.label, [...gone, { part, disjoint }]);
    this.count(table.label, 'deleted', part);
    return { part, label: table.label };
  }

  count(label: string, what: PreviewCount['what'], part: string): void {
    this.#counts.push({
      count: { pass: this.#pass, label, what },
      from: sql`(select count(*) from ${sql.id(part)})`,
    });
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

  /** The part that has what the pointers of a table point at by now; undefined where none was touched yet. */
  pointersOf(holder: TableName): string | undefined {
    return this.#pointers.get(holder.label);
  }

  setPointersOf(holder: TableName, part: string): void {
    this.#pointers.set(holder.label, part);
  }

  /** The statement, which answers one row with the counts in the order of {@link counts}. */
  statement(): RawBuilder<{ counts: number[] }> {
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
