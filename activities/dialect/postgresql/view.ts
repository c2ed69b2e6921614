import type { ViewSql } from '../sql-view.ts';
import { SqlView } from '../sql-view.ts';
import type { ViewOptions } from '../view.ts';
import { isNotChained, isNotReferenced } from './blockers.ts';
import type { Connection } from './connection.ts';
import { ageExpression, dueWhenExpired, dueWhenOlder, isBefore, isExpired, selectHorizon } from './expiry.ts';
import { isNotHeld } from './holds.ts';
import { castValue, tableAs, timestampType } from './identifiers.ts';
import { isGroupFull, isNotKept, isNotNewest } from './keep-last.ts';
import { hasNoParent } from './orphans.ts';
import { hasNoSurvivor, isStale } from './pointers.ts';
import { isUnreferenced } from './references.ts';

const VIEW: ViewSql<Connection> = {
  tableAs,
  ageExpression,
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
