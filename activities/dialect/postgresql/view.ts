import { sql } from 'kysely';

import { notExists, seeLive } from '../references.ts';
import type { ViewSql } from '../sql-view.ts';
import { isNotChained } from './blockers.ts';
import type { Connection } from './connection.ts';
import { ageExpression, dueWhenExpired, dueWhenOlder, isBefore, isExpired, selectHorizon } from './expiry.ts';
import { HOLDS } from './holds.ts';
import { castValue, tableAs, timestampType } from './identifiers.ts';
import { isGroupFull, isNotKept, isNotNewest } from './keep-last.ts';

/** What a view writes. */
export const VIEW: ViewSql<Connection> = {
  live: {
    ...seeLive(tableAs),
    // Not `not exists` if there is an index: the planner may read all that references anything, or hash all parents, anew in
    // each batch. Without an index that is the better plan.
    hasNone: (from, where, isIndexed) =>
      isIndexed ? sql`(select true from ${from} where ${where} limit 1) is null` : notExists(from, where),
  },
  hasAge: (ages) => sql`${ageExpression('t', ages)} is not null`,
  isBefore,
  isExpired,
  selectHorizon,
  dueWhenOlder: (age, horizon, now) =>
    dueWhenOlder(ageExpression('t', [age]), castValue(horizon, timestampType(age.type)), now, age.type),
  dueWhenExpired,
  isNotNewest,
  isNotKept,
  isGroupFull,
  isNotChained,
  holds: HOLDS,
};
