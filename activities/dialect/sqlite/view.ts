import { sql } from 'kysely';

import type { ViewSql } from '../sql-view.ts';
import { SqlView } from '../sql-view.ts';
import type { ViewOptions } from '../view.ts';
import { isNotChained, isNotReferenced } from './blockers.ts';
import type { Connection } from './connection.ts';
import { ageMillis, dueWhenOlder, isBefore, isExpired, selectHorizon } from './expiry.ts';
import { isNotHeld } from './holds.ts';
import { tableAs } from './identifiers.ts';
import { isGroupFull, isNotKept, isNotNewest } from './keep-last.ts';
import { hasNoSurvivor, isStale } from './pointers.ts';
import { hasNoParent, isUnreferenced } from './references.ts';

const VIEW: ViewSql<Connection> = {
  tableAs,
  hasAge: (ages) => sql`(${ageMillis('t', ages)} is not null)`,
  isBefore,
  isExpired,
  selectHorizon,
  dueWhenOlder: (age, horizon, now) => dueWhenOlder([age], sql`${Date.parse(horizon)}`, now),
  dueWhenExpired: (expiry, now) => dueWhenOlder(expiry.ages, selectHorizon(expiry), now),
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
