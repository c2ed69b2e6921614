import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../stored/columns.ts';
import type { RowLink, RowTree } from '../stored/pass.ts';

/** One way from a row `g` of a graph, with its number and location, to others. */
export interface GraphWay {
  readonly number: RawBuilder<number>;
  readonly location: RawBuilder<unknown>;
  /** Undefined if no table is read. */
  readonly from: RawBuilder<unknown> | undefined;
  readonly where: RawBuilder<boolean>;
}

/** How a database writes what a graph consists of. */
export interface GraphWriter {
  tableAs(table: TableName, alias: string): RawBuilder<unknown>;
  /** The location of a row of an alias. */
  location(alias: string): RawBuilder<unknown>;
  /** A row of one alias references a row of another. */
  references(child: string, parent: string, on: RowLink['on']): RawBuilder<boolean>;
  /** The row of an alias is at one of the locations that a select gives. */
  isAmong(alias: string, select: RawBuilder<unknown>): RawBuilder<boolean>;
  /** A recursive select: what `start` gives, and what ways from there lead to. */
  follow(
    self: RawBuilder<unknown>,
    start: RawBuilder<unknown>,
    ways: readonly GraphWay[],
  ): RawBuilder<unknown>;
  /** Over an alias of a table: the row counts. Left out if all do. */
  isThere?(table: TableName, alias: string): RawBuilder<boolean>;
}

/**
 * Finds rows that are reached along several ways, by following links from row to row until nothing new comes. A row of the
 * result is a number, which says the table and how the row was reached, and a location:
 *
 * - below `size`, the number of the table: the row is deleted;
 * - from `size` on: it references a row that is deleted, and forbids that while it stays;
 * - from twice `size` on: a row is deleted along with it that forbids something.
 */
export class RowGraphSql {
  readonly tables: readonly [TableName, ...TableName[]];
  readonly #links: readonly RowLink[];
  readonly #forbidding: readonly RowLink[];
  readonly #writer: GraphWriter;

  constructor({ table, cascades, graph }: RowTree, writer: GraphWriter) {
    const others = new Map(cascades.map((step) => [step.table.label, step.table]));
    others.delete(table.label);
    this.tables = [table, ...others.values()];
    this.#links = cascades.map(({ from, table: child, on }) => ({
      parent: cascades[from]?.table ?? table,
      child,
      on,
    }));
    this.#forbidding = graph?.forbidding ?? [];
    this.#writer = writer;
  }

  /** Whether rows of the tables may forbid to delete each other. */
  get forbids(): boolean {
    return this.#forbidding.length > 0;
  }

  /** The number of a table, as it is written in a statement. */
  number({ label }: TableName, state: 0 | 1 | 2 = 0): RawBuilder<number> {
    const at = this.tables.findIndex((known) => known.label === label);
    return sql`${sql.lit(at + state * this.tables.length)}`;
  }

  /** A recursive select of some rows, given as numbers and locations, and of all that is deleted with them. */
  selectDeleted(self: RawBuilder<unknown>, start: RawBuilder<unknown>): RawBuilder<unknown> {
    return this.#writer.follow(self, start, this.#down());
  }

  /**
   * A recursive select of rows that stay because a row that stays references them, or what is deleted along with them.
   * `start` are rows that stay; `isKnown` says of a number and a location whether they matter.
   */
  selectStaying(
    self: RawBuilder<unknown>,
    start: RawBuilder<unknown>,
    isKnown: (number: RawBuilder<number>, location: RawBuilder<unknown>) => RawBuilder<boolean>,
  ): RawBuilder<unknown> {
    const up = (links: readonly RowLink[], from: 0 | 1): GraphWay[] =>
      links.map((link) => {
        const way = this.#up(link, sql`g.number = ${this.number(link.child, from)}`, 1);
        return { ...way, where: sql`${way.where} and ${isKnown(this.number(link.parent), way.location)}` };
      });
    const root: GraphWay = {
      number: sql`0`,
      location: sql`g.location`,
      from: undefined,
      where: sql`g.number = ${this.number(this.tables[0], 1)}`,
    };
    return this.#writer.follow(self, start, [
      ...this.#down(),
      ...up(this.#forbidding, 0),
      ...up(this.#links, 1),
      root,
    ]);
  }

  /** A select of all rows that forbid to delete another while they stay, as numbers and locations. */
  selectReferencing(where: (child: TableName) => RawBuilder<boolean>): RawBuilder<unknown> {
    const selects = this.#forbidding.map(
      ({ parent, child, on }) => sql`
        select ${this.number(child)} as number, ${this.#writer.location('c')} as location
        from ${this.#writer.tableAs(child, 'c')}
        join ${this.#writer.tableAs(parent, 'p')} on ${this.#writer.references('c', 'p', on)}
        where ${where(child)}`,
    );
    return sql.join(selects, sql` union `);
  }

  /**
   * Parts of a statement: `root`, those of some rows of the own table, given as locations, that can be deleted now, with the
   * rows of the table that must be deleted together with them; `deleted`, all that is deleted with these. `deletable`, over
   * alias `t`, is true of the given rows.
   */
  deletedParts(start: RawBuilder<unknown>, deletable: RawBuilder<boolean>): RawBuilder<unknown> {
    const deleted = sql`
      deleted as (${this.selectDeleted(sql.id('deleted'), sql`select 0 as number, location from root`)})`;
    if (!this.forbids) return sql`root as materialized (${start}), ${deleted}`;
    const size = sql.lit(this.tables.length);
    const joined = sql`select location from joined where number in (${size}, 2 * ${size})`;
    const staying = this.selectStaying(
      sql.id('staying'),
      sql`
        select number - ${size} as number, location from joined where number >= ${size} and number < 2 * ${size}
        except
        select number, location from joined where number < ${size}`,
      (number, location) => sql`(${number}, ${location}) in (select number, location from known)`,
    );
    return sql`
      candidate as materialized (${start}),
      joined as (${this.#selectJoined(deletable)}),
      known as materialized (select distinct number % ${size} as number, location from joined),
      staying as (${staying}),
      root as materialized (
        select location
        from (
          select location from candidate
          union
          -- By a list of locations: for a join the planner may read the whole table in each batch.
          select ${this.#writer.location('t')}
          from ${this.#writer.tableAs(this.tables[0], 't')}
          where ${this.#writer.isAmong('t', joined)} and ${deletable}
        ) as r
        where location not in (select location from staying where number = 0)
      ),
      ${deleted}`;
  }

  /** A recursive select of `candidate`, of what is deleted with them, and of the rows that must be deleted as well. */
  #selectJoined(deletable: RawBuilder<boolean>): RawBuilder<unknown> {
    const [own] = this.tables;
    const referencing = this.#forbidding.map((link) => this.#way(link, 'down', 1));
    const owners = this.#links.map((link) =>
      this.#up(link, sql`g.number in (${this.number(link.child, 1)}, ${this.number(link.child, 2)})`, 2),
    );
    const root: GraphWay = {
      number: sql`0`,
      location: this.#writer.location('t'),
      from: this.#writer.tableAs(own, 't'),
      where: sql`
        g.number in (${this.number(own, 1)}, ${this.number(own, 2)})
        and ${this.#writer.location('t')} = g.location and ${deletable}`,
    };
    const start = sql`select 0 as number, location from candidate`;
    return this.#writer.follow(sql.id('joined'), start, [...this.#down(), ...referencing, ...owners, root]);
  }

  #down(): GraphWay[] {
    return this.#links.map((link) => this.#way(link, 'down', 0));
  }

  /** From a row of a link, `from` says which, to the row that it references. */
  #up(link: RowLink, from: RawBuilder<boolean>, state: 1 | 2): GraphWay {
    return this.#way(link, 'up', state, from);
  }

  #way(
    { parent, child, on }: RowLink,
    direction: 'down' | 'up',
    state: 0 | 1 | 2,
    from = sql<boolean>`g.number = ${this.number(parent)}`,
  ): GraphWay {
    const { location, tableAs, references, isThere } = this.#writer;
    const [start, end, table] =
      direction === 'down' ? (['p', 'c', child] as const) : (['c', 'p', parent] as const);
    const there = isThere === undefined ? sql`` : sql` and ${isThere(table, end)}`;
    return {
      number: this.number(table, state),
      location: location(end),
      from: sql`${tableAs(parent, 'p')} join ${tableAs(child, 'c')} on ${references('c', 'p', on)}`,
      where: sql`${from} and ${location(start)} = g.location${there}`,
    };
  }
}
