import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Ages, ColumnName, Predicate } from '../../stored/columns.ts';
import type { Expiry, KeepLastExpiry } from '../../stored/expiry.ts';
import type { ParentReference, RowTree, StoredPointer, StoredReference } from '../../stored/pass.ts';
import { bindPredicate } from '../bind-predicate.ts';
import { listInner, listOuter } from '../blockers.ts';
import { toCondition, toInstant, toSql } from '../condition.ts';
import type { Condition, Instant, View, ViewOptions } from '../view.ts';
import { isNotChained, isNotReferenced } from './blockers.ts';
import type { Connection } from './connection.ts';
import {
  ageColumn,
  ageExpression,
  dueWhenExpired,
  dueWhenOlder,
  isExpired,
  selectHorizon,
} from './expiry.ts';
import { isNotHeld } from './holds.ts';
import { castValue, columnRef, timestampType } from './identifiers.ts';
import { isGroupFull, isNotKept, isNotNewest } from './keep-last.ts';
import { hasNoParent } from './orphans.ts';
import { hasNoSurvivor, isStale } from './pointers.ts';
import { isUnreferenced } from './references.ts';

/** The tables as they are. All conditions are over alias `t`. */
export class LiveView implements View {
  protected readonly connection: Connection;
  protected readonly options: ViewOptions;

  constructor(connection: Connection, options: ViewOptions = {}) {
    this.connection = connection;
    this.options = options;
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

  isNull(column: ColumnName): Condition {
    return toCondition(sql`${columnRef('t', column)} is null`);
  }

  isNotNull(column: ColumnName): Condition {
    return toCondition(sql`${columnRef('t', column)} is not null`);
  }

  hasAge(ages: Ages): Condition {
    return toCondition(sql`${ageExpression('t', ages)} is not null`);
  }

  isOlder(age: ColumnName, horizon: string): Condition {
    return toCondition(sql`${ageColumn('t', age)} < ${castValue(horizon, age.type)}`);
  }

  isExpired(expiry: Pick<Expiry, 'ages' | 'horizon' | 'retentions'>): Condition {
    return toCondition(isExpired(expiry));
  }

  canExpire(expiry: Pick<Expiry, 'ages' | 'retentions'>): Condition {
    return toCondition(sql`${selectHorizon(expiry)} is not null`);
  }

  dueWhenOlder(age: ColumnName, horizon: string): Instant {
    const past = castValue(horizon, timestampType(age.type));
    return toInstant(dueWhenOlder(ageColumn('t', age), past, this.#now, age.type));
  }

  dueWhenExpired(expiry: Pick<Expiry, 'ages' | 'retentions'>): Instant {
    return toInstant(dueWhenExpired(expiry, this.#now));
  }

  hasNoParent(reference: ParentReference): Condition {
    return toCondition(hasNoParent(reference));
  }

  isUnreferenced(references: readonly StoredReference[]): Condition {
    return toCondition(isUnreferenced(references));
  }

  isNotKept(expiry: KeepLastExpiry): Condition {
    const { keepLast } = this.options;
    return toCondition(
      keepLast === undefined ? isNotNewest(expiry) : isNotKept(this.connection, expiry, keepLast),
    );
  }

  isGroupFull(expiry: KeepLastExpiry): Condition {
    const { keepLast } = this.options;
    return toCondition(keepLast === undefined ? sql`true` : isGroupFull(this.connection, expiry, keepLast));
  }

  isStale(pointer: StoredPointer): Condition {
    return toCondition(isStale(pointer));
  }

  hasNoSurvivor(pointer: StoredPointer): Condition {
    return toCondition(hasNoSurvivor(pointer));
  }

  isNotReferenced(tree: RowTree): Condition | undefined {
    const blockers = listOuter(tree);
    return blockers.length === 0 ? undefined : toCondition(isNotReferenced(blockers));
  }

  isNotChained(tree: RowTree, deletable: Condition, limit: number): Condition | undefined {
    const blockers = listInner(tree);
    if (blockers.length === 0) return undefined;
    return toCondition(isNotChained(tree.table, blockers, toSql(deletable), limit));
  }

  isNotHeld(tree: RowTree): Condition | undefined {
    const { holds } = this.options;
    const notHeld: RawBuilder<boolean> | undefined =
      holds === undefined ? undefined : isNotHeld(this.connection, holds, tree);
    return notHeld === undefined ? undefined : toCondition(notHeld);
  }

  get #now(): string {
    return this.options.now ?? new Date().toISOString();
  }
}
