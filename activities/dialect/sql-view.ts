import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Ages, ColumnName, Predicate, TableName } from '../stored/columns.ts';
import type { Expiry, KeepLastExpiry } from '../stored/expiry.ts';
import type {
  ParentReference,
  RowTree,
  StoredBlocker,
  StoredPointer,
  StoredReference,
} from '../stored/row-tree.ts';
import { bindPredicate } from './bind-predicate.ts';
import { listInner, listOuter } from './blockers.ts';
import { toCondition, toInstant, toSql } from './condition.ts';
import type { HoldSql } from './held-dependents.ts';
import { isNothingHeld } from './held-dependents.ts';
import type { SeenTables } from './references.ts';
import { hasNoParent, hasNoSurvivor, isNotReferenced, isStale, isUnreferenced } from './references.ts';
import type { Condition, Instant, KeepLastList, View, ViewOptions } from './view.ts';

/** What a database writes in its own way, each over alias `t`: see the members of {@link View}. */
export interface ViewSql<Connection> {
  live: SeenTables;
  /** A value that is no instant in the form of its column is no age. */
  hasAge(ages: Ages): RawBuilder<boolean>;
  isBefore(ages: Ages, horizon: string): RawBuilder<boolean>;
  isExpired(expiry: Pick<Expiry, 'ages' | 'horizon' | 'retentions'>): RawBuilder<boolean>;
  /** The horizon that counts for the row; null if it is kept for ever. */
  selectHorizon(expiry: Pick<Expiry, 'ages' | 'retentions'>): RawBuilder<unknown>;
  dueWhenOlder(age: ColumnName, horizon: string, now: string): RawBuilder<string | null>;
  dueWhenExpired(expiry: Pick<Expiry, 'ages' | 'retentions'>, now: string): RawBuilder<string | null>;
  /** The row is none of the newest of its group, which are found anew. */
  isNotNewest(expiry: KeepLastExpiry): RawBuilder<boolean>;
  isNotKept(connection: Connection, expiry: KeepLastExpiry, list: KeepLastList): RawBuilder<boolean>;
  isGroupFull(connection: Connection, expiry: KeepLastExpiry, list: KeepLastList): RawBuilder<boolean>;
  isNotChained(
    table: TableName,
    blockers: readonly StoredBlocker[],
    deletable: RawBuilder<boolean>,
    limit: number,
  ): RawBuilder<boolean>;
  readonly holds: HoldSql<Connection>;
}

/** The tables as they are, or as a preview finds them. All conditions are over alias `t`. */
export class SqlView<Connection> implements View {
  readonly #sql: ViewSql<Connection>;
  readonly #connection: Connection;
  readonly #options: ViewOptions;
  protected readonly seen: SeenTables;

  constructor(
    dialect: ViewSql<Connection>,
    connection: Connection,
    options: ViewOptions,
    seen: SeenTables = dialect.live,
  ) {
    this.#sql = dialect;
    this.#connection = connection;
    this.#options = options;
    this.seen = seen;
  }

  all(conditions: readonly Condition[]): Condition {
    if (conditions.length === 0) return toCondition(sql`true`);
    return toCondition(sql`(${sql.join(conditions.map(toSql), sql` and `)})`);
  }

  not(condition: Condition): Condition {
    return toCondition(sql`not (${toSql(condition)})`);
  }

  matches(filter: Predicate): Condition {
    return toCondition(bindPredicate(filter));
  }

  isTrueOfNone(table: TableName, condition: Condition): Condition {
    return toCondition(
      sql`not exists (select 1 from ${this.seen.tableAs(table, 't')} where ${toSql(condition)})`,
    );
  }

  isNull({ name }: ColumnName): Condition {
    return toCondition(sql`${sql.id('t', name)} is null`);
  }

  isNotNull({ name }: ColumnName): Condition {
    return toCondition(sql`${sql.id('t', name)} is not null`);
  }

  hasAge(ages: Ages): Condition {
    return toCondition(this.#sql.hasAge(ages));
  }

  isOlder(age: ColumnName, horizon: string): Condition {
    return toCondition(this.#sql.isBefore([age], horizon));
  }

  isExpired(expiry: Pick<Expiry, 'ages' | 'horizon' | 'retentions'>): Condition {
    return toCondition(this.#sql.isExpired(expiry));
  }

  canExpire(expiry: Pick<Expiry, 'ages' | 'retentions'>): Condition {
    return toCondition(sql`${this.#sql.selectHorizon(expiry)} is not null`);
  }

  dueWhenOlder(age: ColumnName, horizon: string): Instant {
    return toInstant(this.#sql.dueWhenOlder(age, horizon, this.#now));
  }

  dueWhenExpired(expiry: Pick<Expiry, 'ages' | 'retentions'>): Instant {
    return toInstant(this.#sql.dueWhenExpired(expiry, this.#now));
  }

  hasNoParent(reference: ParentReference): Condition {
    return toCondition(hasNoParent(this.seen, reference));
  }

  isUnreferenced(references: readonly StoredReference[]): Condition {
    return toCondition(isUnreferenced(this.seen, references));
  }

  isNotKept(expiry: KeepLastExpiry): Condition {
    const { keepLast } = this.#options;
    return toCondition(
      keepLast === undefined
        ? this.#sql.isNotNewest(expiry)
        : this.#sql.isNotKept(this.#connection, expiry, keepLast),
    );
  }

  isGroupFull(expiry: KeepLastExpiry): Condition {
    const { keepLast } = this.#options;
    return toCondition(
      keepLast === undefined ? sql`true` : this.#sql.isGroupFull(this.#connection, expiry, keepLast),
    );
  }

  isStale(pointer: StoredPointer): Condition {
    return toCondition(isStale(this.seen, pointer));
  }

  hasNoSurvivor(pointer: StoredPointer): Condition {
    return toCondition(hasNoSurvivor(this.seen, pointer));
  }

  isNotReferenced(tree: RowTree): Condition | undefined {
    const blockers = listOuter(tree);
    return blockers.length === 0 ? undefined : toCondition(isNotReferenced(this.seen, blockers));
  }

  isNotChained(tree: RowTree, deletable: Condition, limit: number): Condition | undefined {
    const blockers = listInner(tree);
    if (blockers.length === 0) return undefined;
    return toCondition(this.#sql.isNotChained(tree.table, blockers, toSql(deletable), limit));
  }

  isNotHeld(tree: RowTree): Condition | undefined {
    const { holds } = this.#options;
    if (holds === undefined || holds.rows.length === 0) return undefined;
    const notHeld = isNothingHeld(this.#sql.holds, this.#connection, holds, tree);
    return notHeld === undefined ? undefined : toCondition(notHeld);
  }

  get #now(): string {
    return this.#options.now ?? new Date().toISOString();
  }
}
