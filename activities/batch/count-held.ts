import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { BatchOutcome, BatchStep } from '../passes/pass.ts';
import type { AgePosition } from '../sql/keyset.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { castTo, columnOf, tableOf } from '../sql/names.ts';
import { pageStart } from '../sql/pages.ts';
import type { Tx } from '../sql/transaction.ts';
import { agePositionOf, keyOf, placeOf } from './cursor.ts';

/** What a batch walked, for counting what holds kept in it. */
export interface HeldWalk {
  readonly table: TableName;
  /** The column of a walk by index; null where there is none. */
  readonly by: ColumnName | null;
  /** Which rows go but for holds, over alias `t`. */
  readonly where: RawBuilder<boolean>;
  /** Those that no hold keeps; undefined where there are no holds. */
  readonly free: RawBuilder<boolean> | undefined;
}

/**
 * Adds to a batch how many rows of the part that it walked only holds keep. In the transaction of the batch, so that each
 * is counted once, however batches are cut. Costs nothing where there are no holds.
 */
export async function withHeld(
  tx: Tx,
  { table, by, where, free }: HeldWalk,
  step: BatchStep,
  outcome: BatchOutcome,
): Promise<BatchOutcome> {
  if (free === undefined) return outcome;
  const { rows } = await sql<{ held: number }>`
    select count(*)::int as held
    from ${tableOf(table)} as t
    where ${walked(step, by, outcome)} and ${where} and not ${free}`.execute(tx);
  return { ...outcome, held: rows[0]?.held ?? 0 };
}

/** Over alias `t`: the row lies in what the batch walked. */
function walked(
  { shard, cursor }: BatchStep,
  by: ColumnName | null,
  outcome: BatchOutcome,
): RawBuilder<boolean> {
  switch (shard.strategy) {
    case 'page-range': {
      const from = placeOf(cursor) ?? pageStart(shard.fromPage);
      const to = placeOf(outcome.cursor) ?? from;
      return sql`t.ctid > ${from}::tid and t.ctid <= ${to}::tid`;
    }
    case 'keyset': {
      if (by === null) throw new Error('a walk by age has no column');
      const age = columnOf('t', by);
      const from = agePositionOf(cursor);
      const to = outcome.end ? undefined : agePositionOf(outcome.cursor);
      // Where the walk stands at its begin still, as after a giant was made smaller, nothing was walked.
      if (!outcome.end && to === undefined) return sql`false`;
      // The comparisons of the age alone can use an index; those with the place are exact.
      const after =
        from === undefined
          ? shard.from === null
            ? sql`true`
            : sql`${age} >= ${castTo(shard.from, by.type)}`
          : sql`${age} >= ${castTo(from.age, by.type)} and (${age}, t.ctid) > ${positionOf(from, by)}`;
      const upto =
        to === undefined
          ? sql`${age} < ${castTo(shard.until, by.type)}`
          : sql`${age} <= ${castTo(to.age, by.type)} and (${age}, t.ctid) <= ${positionOf(to, by)}`;
      return sql`${after} and ${upto}`;
    }
    case 'loose-index': {
      if (by === null) throw new Error('a walk by key has no column');
      const from = keyOf(cursor) ?? shard.after;
      // A cursor of no key is the begin: nothing was walked where it is not the end.
      const to = outcome.end ? shard.until : (keyOf(outcome.cursor) ?? from);
      const key = columnOf('t', by);
      return sql`
        ${from === null ? sql`true` : sql`${key} > ${castTo(from, by.type)}`}
        and ${to === null ? (outcome.end ? sql`true` : sql`false`) : sql`${key} <= ${castTo(to, by.type)}`}`;
    }
    // Nothing of a table is walked.
    case 'tables':
    case 'files':
      return sql`false`;
  }
}

function positionOf({ age, place }: AgePosition, by: ColumnName): RawBuilder<unknown> {
  return sql`(${castTo(age, by.type)}, ${place}::tid)`;
}
