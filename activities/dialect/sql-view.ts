import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Ages, ColumnName, TableName } from '../stored/columns.ts';
import type { Expiry, KeepLastExpiry } from '../stored/expiry.ts';
import type { StoredBlocker } from '../stored/row-tree.ts';
import { bindPredicate } from './bind-predicate.ts';
import { listInner, listOuter } from './blockers.ts';
import { toCondition, toInstant, toSql } from './condition.ts';
import type { HoldSql } from './held-dependents.ts';
import { isNothingHeld } from './held-dependents.ts';
import type { SeenTables } from './references.ts';
import {
  hasNoParent,
  hasNoSurvivor,
  isNotReferenced,
  isStale,
  isUnreferenced,
  notExists,
} from './references.ts';
import type { KeepLastList, View, ViewOptions } from './view.ts';

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
export function createView<Connection>(
  dialect: ViewSql<Connection>,
  connection: Connection,
  options: ViewOptions,
  seen: SeenTables = dialect.live,
): View {
  const { holds, keepLast, now = new Date().toISOString() } = options;
  return {
    all(conditions) {
      if (conditions.length === 0) return toCondition(sql`true`);
      return toCondition(sql`(${sql.join(conditions.map(toSql), sql` and `)})`);
    },
    not: (condition) => toCondition(sql`not (${toSql(condition)})`),
    matches: (filter) => toCondition(bindPredicate(filter)),
    isTrueOfNone: (table, condition) => toCondition(notExists(seen.tableAs(table, 't'), toSql(condition))),
    isNull: ({ name }) => toCondition(sql`${sql.id('t', name)} is null`),
    isNotNull: ({ name }) => toCondition(sql`${sql.id('t', name)} is not null`),
    hasAge: (ages) => toCondition(dialect.hasAge(ages)),
    isOlder: (age, horizon) => toCondition(dialect.isBefore([age], horizon)),
    isExpired: (expiry) => toCondition(dialect.isExpired(expiry)),
    canExpire: (expiry) => toCondition(sql`${dialect.selectHorizon(expiry)} is not null`),
    dueWhenOlder: (age, horizon) => toInstant(dialect.dueWhenOlder(age, horizon, now)),
    dueWhenExpired: (expiry) => toInstant(dialect.dueWhenExpired(expiry, now)),
    hasNoParent: (reference) => toCondition(hasNoParent(seen, reference)),
    isUnreferenced: (references) => toCondition(isUnreferenced(seen, references)),
    isNotKept: (expiry) =>
      toCondition(
        keepLast === undefined
          ? dialect.isNotNewest(expiry)
          : dialect.isNotKept(connection, expiry, keepLast),
      ),
    isGroupFull: (expiry) =>
      toCondition(keepLast === undefined ? sql`true` : dialect.isGroupFull(connection, expiry, keepLast)),
    isStale: (pointer) => toCondition(isStale(seen, pointer)),
    hasNoSurvivor: (pointer) => toCondition(hasNoSurvivor(seen, pointer)),
    isNotReferenced(tree) {
      const blockers = listOuter(tree);
      return blockers.length === 0 ? undefined : toCondition(isNotReferenced(seen, blockers));
    },
    isNotChained(tree, deletable, limit) {
      const blockers = listInner(tree);
      if (blockers.length === 0) return undefined;
      return toCondition(dialect.isNotChained(tree.table, blockers, toSql(deletable), limit));
    },
    isNotHeld(tree) {
      if (holds === undefined || holds.rows.length === 0) return undefined;
      const notHeld = isNothingHeld(dialect.holds, connection, holds, tree);
      return notHeld === undefined ? undefined : toCondition(notHeld);
    },
  };
}
