import { sql } from 'kysely';

import { seeLive } from '../references.ts';
import type { ViewSql } from '../sql-view.ts';
import { isNotChained } from './blockers.ts';
import type { Connection } from './connection.ts';
import { ageMillis, dueWhenOlder, isBefore, isExpired, selectHorizon } from './expiry.ts';
import { HOLDS } from './holds.ts';
import { tableAs } from './identifiers.ts';
import { isGroupFull, isNotKept, isNotNewest } from './keep-last.ts';

/** What a view writes. */
export const VIEW: ViewSql<Connection> = {
  live: seeLive(tableAs),
  hasAge: (ages) => sql`(${ageMillis('t', ages)} is not null)`,
  isBefore,
  isExpired,
  selectHorizon,
  dueWhenOlder: (age, horizon, now) => dueWhenOlder([age], sql`${Date.parse(horizon)}`, now),
  dueWhenExpired: (expiry, now) => dueWhenOlder(expiry.ages, selectHorizon(expiry), now),
  isNotNewest,
  isNotKept,
  isGroupFull,
  isNotChained,
  holds: HOLDS,
};
