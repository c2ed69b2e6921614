import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { RowLink, StoredPointer } from '../../../stored/row-tree.ts';
import type { Catalog, CatalogTable } from '../../catalog.ts';
import { references } from '../../join-path.ts';
import type { WhichPasses } from '../../preview.ts';
import type { SeenTables } from '../../references.ts';
import { notExists } from '../../references.ts';
import { listSetNullLinks } from '../../set-null-links.ts';
import type { Connection } from '../connection.ts';
import { columnRef, tableAs, tableRef } from '../identifiers.ts';
import { DELETED, MOVED } from './tables.ts';

/** Something that a pass deletes or repairs, in the order in which it would. */
export interface Item {
  readonly number: number;
  readonly pass: string;
}

/**
 * What passes delete, one after the other, in temporary tables: each item sees what those before it have deleted, and the
 * conditions of a pass see it too.
 */
export class Deletions {
  readonly #catalog: Catalog;
  readonly #tables: string[] = [];
  readonly #pointers: string[] = [];
  readonly #items: Item[] = [];
  readonly #recordings = new Set<string>();
  readonly #cleared: { readonly link: RowLink; readonly item: number }[] = [];
  /** The tables without what is deleted so far. */
  readonly seen: SeenTables = {
    tableAs,
    withNulls: (table, alias) => this.source(table, alias),
    isThere: (table, alias) => this.isThere(table, alias),
    hasNone: notExists,
  };
  #pass = '';

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** What is added from here on belongs to this pass. */
  startPass(name: string): void {
    this.#pass = name;
  }

  addItem(): Item {
    const item = { number: this.#items.length + 1, pass: this.#pass };
    this.#items.push(item);
    return item;
  }

  /** An item sets references of these links to null. */
  clearReferences({ number }: Item, links: readonly RowLink[]): void {
    this.#cleared.push(...links.map((link) => ({ link, item: number })));
  }

  /** The pass records the files, of these roots, of the rows that it deletes. */
  recordFiles(roots: readonly string[]): void {
    for (const root of roots) this.#recordings.add(JSON.stringify([this.#pass, root]));
  }

  /** The numbers of the items so far of passes that are asked for. */
  findItems(root: string, which: WhichPasses): number[] {
    return this.#items
      .filter(({ pass }) => which(pass, this.#recordings.has(JSON.stringify([pass, root]))))
      .map(({ number }) => number);
  }

  get lastItem(): number {
    return this.#items.length;
  }

  /** Over an alias of a table: nothing, or no item up to a number, deletes the row. */
  isThere(table: TableName, alias: string, upTo?: number): RawBuilder<boolean> {
    return sql`not exists (
      select 1
      from ${DELETED} as gone
      where
        gone.number = ${this.numberTable(table)} and gone.location = ${sql.id(alias)}.rowid
        and ${upTo === undefined ? sql`true` : sql`gone.item <= ${upTo}`}
    )`;
  }

  numberTable({ label }: TableName): number {
    return indexIn(this.#tables, label);
  }

  numberPointer({ holder, pointer }: StoredPointer): number {
    return indexIn(this.#pointers, JSON.stringify([holder.label, pointer.name]));
  }

  /** Over alias `t` of a holder: what its pointer names by now. */
  pointerValue(pointer: StoredPointer): RawBuilder<unknown> {
    return sql`coalesce(
      (
        select ${columnRef('n', pointer.targetKey)}
        from ${MOVED} as m
        join ${tableAs(pointer.target, 'n')} on n.rowid = m.target
        where m.number = ${this.numberPointer(pointer)} and m.location = t.rowid
      ),
      ${columnRef('t', pointer.pointer)}
    )`;
  }

  /**
   * A table under an alias, as the pass finds it. Foreign keys with `on delete set null` that reference rows that earlier
   * passes delete are null by then.
   */
  source(table: TableName, alias: string): RawBuilder<unknown> {
    const known = this.#catalog.named(table);
    const first = this.#items.find(({ pass }) => pass === this.#pass)?.number ?? this.#items.length + 1;
    const links = known === undefined || first === 1 ? [] : this.#listUnlinked(known);
    if (known === undefined || links.length === 0) return tableAs(table, alias);
    const columns = [...known.columns.keys()].map((name) => {
      const conditions = links
        .filter(({ link }) => link.on.some(({ child }) => child === name))
        .map(
          ({ link, item }) => sql`exists (
            select 1
            from ${tableAs(link.parent, 'p')}
            join ${DELETED} as gone on gone.number = ${this.numberTable(link.parent)} and gone.location = p.rowid
            where
              ${references('u', 'p', link)} and gone.item < ${first}
              and ${item === undefined ? sql`true` : sql`gone.item = ${item}`}
          )`,
        );
      if (conditions.length === 0) return sql`${sql.id('u', name)} as ${sql.id(name)}`;
      return sql`
        case when ${sql.join(conditions, sql` or `)} then null else ${sql.id('u', name)} end as ${sql.id(name)}`;
    });
    return sql`
      (select u.rowid as rowid, ${sql.join(columns)} from ${tableRef(table)} as u) as ${sql.id(alias)}`;
  }

  /** What references rows that are deleted and is set to null: by the database, or by an item. */
  #listUnlinked(table: CatalogTable): { readonly link: Omit<RowLink, 'child'>; readonly item?: number }[] {
    const keys = listSetNullLinks(this.#catalog, table).map((link) => ({ link }));
    return [...keys, ...this.#cleared.filter(({ link }) => this.#catalog.named(link.child)?.id === table.id)];
  }

  /** Adds rows, which a select gives as `location`, to what an item deletes. Returns how many were not there. */
  async add(
    connection: Connection,
    item: Item,
    table: TableName,
    select: RawBuilder<unknown>,
    root = false,
  ): Promise<number> {
    const { changes } = await connection.run(sql`
      insert or ignore into ${DELETED} (number, location, item, root)
      select ${this.numberTable(table)}, d.location, ${item.number}, ${root}
      from (${select}) as d`);
    return changes;
  }
}

/** The number of a text in a list, which it is added to. */
function indexIn(list: string[], text: string): number {
  const at = list.indexOf(text);
  return at === -1 ? list.push(text) - 1 : at;
}
