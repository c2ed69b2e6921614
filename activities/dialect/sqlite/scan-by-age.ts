import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, PartialIndex, TableName } from '../../stored/columns.ts';
import type { Shard } from '../../stored/scan.ts';
import { isIn } from '../bind-predicate.ts';
import type { ScanStep } from '../scan.ts';
import type { ShardEnd } from '../shard-end.ts';
import { continueAt, endShard } from '../shard-end.ts';
import type { Connection } from './connection.ts';
import { ageMillis } from './expiry.ts';
import { columnRef, keyText, locationText, tableRef } from './identifiers.ts';
import { findForm } from './instants.ts';
import type { AgePosition } from './scan-cursor.ts';
import { readAgePosition, toAgeCursor } from './scan-cursor.ts';

/** A row that a scan found. */
export interface Candidate {
  readonly location: string;
  readonly key: string | null;
  /** The value of the age column, as it is stored; null for other scans. */
  readonly age: string | number | null;
  /** The age in milliseconds since the epoch. */
  readonly millis: number | null;
}

/** The next rows of a scan of which the condition is true, and where it goes on after them. */
export interface Candidates {
  readonly rows: readonly Candidate[];
  readonly end: ShardEnd;
}

type AgeShard = Shard & { readonly scan: 'by-age' };

/** So many index entries are read in one statement at the most. */
const MAX_ENTRIES = 20_000;

/** What is looked for in the order of an age. */
interface AgeTarget {
  readonly table: TableName;
  readonly age: ColumnName;
  readonly ageIndex: PartialIndex | undefined;
  /** Over alias `t`. */
  readonly condition: RawBuilder<unknown>;
  readonly key: ColumnName | undefined;
}

/**
 * Finds the oldest rows. A bound on rows alone would let one statement step over any number of entries that are not
 * deletable, such as a million old runs that never ended: so many entries are read at the most.
 */
export async function findByAge(
  connection: Connection,
  { table, age, ageIndex, condition, key }: AgeTarget,
  shard: AgeShard,
  { cursor, limit, readFactor }: ScanStep,
): Promise<Candidates> {
  const entries = Math.min(Math.max(1000, 4 * limit, readFactor * limit), Math.max(MAX_ENTRIES, limit));
  const position = readAgePosition(cursor);
  const inRange = sql`${isInRange(age, shard, position)} and ${isIn(ageIndex)}`;
  const value = columnRef('t', age);
  const { rows } = await connection.run(sql<Candidate>`
    select e.location, e.key, e.age, e.millis
    from (
      select
        ${locationText('t')} as location,
        ${key === undefined ? sql`null` : keyText(key, 't')} as key,
        ${value} as age,
        ${ageMillis('t', [age])} as millis,
        ${condition} as deletable
      from ${tableRef(table)} as t
      where ${inRange}
      order by ${value}, t.rowid
      limit ${entries}
    ) as e
    where e.deletable
    limit ${limit}`);
  const last = rows.at(-1);
  if (rows.length >= limit && last !== undefined) {
    return {
      rows,
      end: continueAt(toAgeCursor({ rowid: last.location, age: String(last.age) })),
    };
  }
  const { rows: next } = await connection.run(sql<{ location: string; age: string | number }>`
    select ${locationText('t')} as location, ${value} as age
    from ${tableRef(table)} as t
    where ${inRange}
    order by ${value}, t.rowid
    limit 1 offset ${entries - 1}`);
  const [entry] = next;
  if (entry === undefined) return { rows, end: endShard() };
  return { rows, end: continueAt(toAgeCursor({ rowid: entry.location, age: String(entry.age) })) };
}

function isInRange(
  age: ColumnName,
  { from, until }: AgeShard,
  after: AgePosition | undefined,
): RawBuilder<boolean> {
  const form = findForm(age.type);
  if (form === undefined) return sql`false`;
  const value = columnRef('t', age);
  const isBefore = sql<boolean>`${value} < ${form.toValue(until)}`;
  if (after !== undefined) return sql`${isPast(age, '>', after)} and ${isBefore}`;
  return from === null ? isBefore : sql`${value} >= ${form.toValue(from)} and ${isBefore}`;
}

/** Over alias `t`: the row lies after a position, or not. */
function isPast(age: ColumnName, operator: '>' | '<=', at: AgePosition): RawBuilder<boolean> {
  const value = age.type.startsWith('timestamp in') ? Number(at.age) : at.age;
  return sql`(${columnRef('t', age)}, t.rowid) ${sql.raw(operator)} (${value}, cast(${at.rowid} as integer))`;
}

/** Over alias `t`: the row lies between two positions of a shard; no row does if the scan has not moved. */
export function isBetweenAges(
  column: ColumnName,
  shard: AgeShard,
  from: AgePosition | undefined,
  to: AgePosition | 'end' | undefined,
): RawBuilder<boolean> {
  if (to === undefined) return sql`false`;
  const start = isInRange(column, shard, from);
  return to === 'end' ? start : sql`(${start} and ${isPast(column, '<=', to)})`;
}
