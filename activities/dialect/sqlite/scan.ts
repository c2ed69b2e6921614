import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from '../../stored/columns.ts';
import { toSql } from '../condition.ts';
import type {
  DeletedRange,
  LockedRows,
  OrphanRange,
  OrphanTarget,
  ReadRows,
  ScanRows,
  ScanStep,
  ScanTarget,
} from '../scan.ts';
import type { ShardEnd } from '../shard-end.ts';
import { continueAt } from '../shard-end.ts';
import type { Connection } from './connection.ts';
import { ageMillis } from './expiry.ts';
import { isAt, keyText, locationText, returnedKey, tableRef } from './identifiers.ts';
import { isGroupFull, isNotKept } from './keep-last.ts';
import { deleteOrphans, findOrphans, isBetweenKeys, lockOrphans } from './orphans.ts';
import { recordPaths, returningPaths } from './recording.ts';
import type { Candidate, Candidates } from './scan-by-age.ts';
import { findByAge, isBetweenAges } from './scan-by-age.ts';
import { endOfRowids, findRowids, isInRowids } from './scan-by-location.ts';
import { readAgePosition, readKey, readRowid, toAgeCursor, toRowidCursor } from './scan-cursor.ts';

type CountTarget = Pick<ScanTarget, 'table' | 'where'> & { readonly by: ColumnName | null };

/**
 * Finds rows in the order of a scan. The transaction has the write lock, so that no row changes between two of its
 * statements: rows are found by one and deleted by another, which evaluates the condition again.
 */
export class SqliteScan implements ScanRows {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async deleteRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<DeletedRange> {
    const { table, where, recording } = target;
    const { shard, limit, readFactor } = step;
    const condition = withoutKept(this.#connection, target);
    if (shard.scan === 'by-location' && readFactor <= 1) {
      // No more rows than the limit are read: all of them that may be deleted are.
      const range = await findRowids(this.#connection, table, shard, step, limit);
      const deleted = await this.#delete(target, sql`${isInRowids(range)} and ${condition}`, key);
      return { ...endOfRowids(range), ...deleted, filled: deleted.rows / limit };
    }
    const { rows, end } = await this.#find({ ...target, where: undefined }, condition, step, undefined);
    const locations = rows.map(({ location }) => location);
    const deleted =
      locations.length === 0
        ? { rows: 0, keys: [] }
        : await this.#delete({ table, recording }, sql`${isAt(locations)} and ${toSql(where)}`, key);
    return { ...end, ...deleted, filled: rows.length / limit };
  }

  async lockRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<LockedRows> {
    const { rows, end } = await this.#find(target, toSql(target.where), step, key);
    return {
      locations: rows.map(({ location }) => location),
      keys: rows.map((row) => row.key),
      candidates: rows.length,
      ranks: rows.map((_, n) => n + 1),
      cursorAfter: (row) => toCursor(step, rows[row]),
      end,
    };
  }

  async readRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<ReadRows> {
    const { rows, end } = await this.#find(target, toSql(target.where), step, key);
    const ages = rows.flatMap(({ millis }) => millis ?? []);
    return {
      ...end,
      rows: rows.length,
      oldest: ages.length === 0 ? null : Math.min(...ages),
      keys: rows.flatMap((row) => row.key ?? []),
    };
  }

  async countRange(target: CountTarget, from: ScanStep, to: ShardEnd): Promise<number> {
    const { rows } = await this.#connection.run(sql<{ rows: number }>`
      select count(*) as rows
      from ${tableRef(target.table)} as t
      where ${isScanned(target, from, to)} and ${toSql(target.where)}`);
    return rows[0]?.rows ?? 0;
  }

  async findOrphans(target: OrphanTarget, step: ScanStep): Promise<OrphanRange> {
    return findOrphans(this.#connection, target, step);
  }

  async deleteOrphans(target: OrphanTarget, range: OrphanRange, limit?: number): Promise<number> {
    return deleteOrphans(this.#connection, target, range, limit);
  }

  async lockOrphans(target: OrphanTarget, range: OrphanRange, limit: number): Promise<LockedRows> {
    return lockOrphans(this.#connection, target, range, limit);
  }

  async #find(
    target: Pick<ScanTarget, 'table' | 'age' | 'ageIndex'> & { readonly where: unknown },
    condition: RawBuilder<unknown>,
    step: ScanStep,
    key: ColumnName | undefined,
  ): Promise<Candidates> {
    const { shard, limit, readFactor } = step;
    const { table, age, ageIndex } = target;
    if (shard.scan === 'by-age') {
      if (age === null) throw new Error('a scan by age has no column');
      return findByAge(this.#connection, { table, age, ageIndex, condition, key }, shard, step);
    }
    if (shard.scan !== 'by-location') throw new Error(`rows cannot be scanned ${shard.scan}`);
    const range = await findRowids(this.#connection, table, shard, step, limit * readFactor);
    const { rows } = await this.#connection.run(sql<Candidate>`
      select
        ${locationText('t')} as location,
        ${key === undefined ? sql`null` : keyText(key, 't')} as key,
        null as age,
        ${age === null ? sql`null` : ageMillis('t', [age])} as millis
      from ${tableRef(table)} as t
      where ${isInRowids(range)} and ${condition}
      order by t.rowid
      limit ${limit}`);
    const last = rows.at(-1);
    return {
      rows,
      end:
        rows.length < limit || last === undefined
          ? endOfRowids(range)
          : continueAt(toRowidCursor(last.location)),
    };
  }

  async #delete(
    { table, recording }: Pick<ScanTarget, 'table' | 'recording'>,
    which: RawBuilder<unknown>,
    key: ColumnName | undefined,
  ): Promise<{ readonly rows: number; readonly keys: readonly string[] }> {
    const paths = returningPaths(recording);
    if (key === undefined && paths.length === 0) {
      const { changes } = await this.#connection.run(sql`delete from ${tableRef(table)} as t where ${which}`);
      return { rows: changes, keys: [] };
    }
    const own = key === undefined ? sql`null` : returnedKey(key);
    const { rows } = await this.#connection.run(sql<{ key: string | null }>`
      delete from ${tableRef(table)} as t where ${which}
      returning ${sql.join([sql`${own} as key`, ...paths])}`);
    await recordPaths(this.#connection, recording, rows);
    return { rows: rows.length, keys: rows.flatMap((row) => row.key ?? []) };
  }
}

/** The condition of a target, and that its row is none of the newest that stay. */
function withoutKept(connection: Connection, { where, keeps }: ScanTarget): RawBuilder<unknown> {
  if (keeps === undefined) return toSql(where);
  const { expiry, list } = keeps;
  return sql`(
    ${toSql(where)} and ${isNotKept(connection, expiry, list)} and ${isGroupFull(connection, expiry, list)}
  )`;
}

function toCursor({ shard }: ScanStep, row: Candidate | undefined): ShardEnd['cursor'] {
  if (row === undefined) return null;
  return shard.scan === 'by-age'
    ? toAgeCursor({ rowid: row.location, age: String(row.age) })
    : toRowidCursor(row.location);
}

/** Over alias `t`: the row lies between two cursors of a shard. */
function isScanned({ by }: CountTarget, { shard, cursor }: ScanStep, to: ShardEnd): RawBuilder<boolean> {
  switch (shard.scan) {
    case 'by-location': {
      const after = readRowid(cursor) ?? null;
      return isInRowids({ after, upTo: readRowid(to.cursor) ?? after, isLast: to.done });
    }
    case 'by-age': {
      if (by === null) throw new Error('a scan by age has no column');
      return isBetweenAges(by, shard, readAgePosition(cursor), to.done ? 'end' : readAgePosition(to.cursor));
    }
    case 'by-parent-key': {
      if (by === null) throw new Error('a scan by parent key has no column');
      return isBetweenKeys({ by }, shard, readKey(cursor), readKey(to.cursor), to.done);
    }
    case 'by-partition':
    case 'tables':
    case 'files':
      return sql`false`;
  }
}
