import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredReference } from '../../stored/row-tree.ts';
import { references } from '../join-path.ts';
import type { ViewSql } from '../sql-view.ts';
import { SqlView } from '../sql-view.ts';
import type { ViewOptions } from '../view.ts';
import { isNotChained, isNotReferenced } from './blockers.ts';
import type { Connection } from './connection.ts';
import { ageExpression, dueWhenExpired, dueWhenOlder, isBefore, isExpired, selectHorizon } from './expiry.ts';
import { isNotHeld } from './holds.ts';
import { castValue, tableAs, timestampType, tableRef } from './identifiers.ts';
import { isGroupFull, isNotKept, isNotNewest } from './keep-last.ts';
import { hasNoParent } from './orphans.ts';
import { hasNoSurvivor, isStale } from './pointers.ts';

const VIEW: ViewSql<Connection> = {
  tableAs,
  hasAge: (ages) => sql`${ageExpression('t', ages)} is not null`,
  isBefore,
  isExpired,
  selectHorizon,
  dueWhenOlder: (age, horizon, now) =>
    dueWhenOlder(ageExpression('t', [age]), castValue(horizon, timestampType(age.type)), now, age.type),
  dueWhenExpired,
  hasNoParent,
  isUnreferenced,
  isNotNewest,
  isNotKept,
  isGroupFull,
  isStale,
  hasNoSurvivor,
  isNotReferenced,
  isNotChained,
  isNotHeld,
};

/** The tables as they are. */
export class LiveView extends SqlView<Connection> {
  constructor(connection: Connection, options: ViewOptions = {}) {
    super(VIEW, connection, options);
  }
}

/** Over alias `t`: no row of the tables references it. */
function isUnreferenced(stored: readonly StoredReference[]): RawBuilder<boolean> {
  const checks = stored.map(({ table, indexed, ...link }) => {
    const named = sql`from ${tableRef(table)} as c where ${references('c', 't', link)}`;
    // Not `not exists` if there is an index: the planner may read all that references anything, in each batch. Without
    // an index that is the better plan.
    return indexed ? sql`(select true ${named} limit 1) is null` : sql`not exists (select ${named})`;
  });
  return sql<boolean>`${sql.join(checks, sql` and `)}`;
}
