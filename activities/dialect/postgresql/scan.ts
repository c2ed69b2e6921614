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
import type { Connection } from './connection.ts';
import { pageStart, tableRef } from './identifiers.ts';
import { deleteOrphans, findOrphans, lockOrphans } from './orphans.ts';
import { deleteByAge, isBetweenAges, lockByAge, readByAge } from './scan-by-age.ts';
import { deleteByLocation, lockByLocation, readByLocation } from './scan-by-location.ts';
import { isBetweenKeys } from './scan-by-parent-key.ts';
import { readAgePosition, readLocation } from './scan-cursor.ts';

type CountTarget = Pick<ScanTarget, 'table' | 'where'> & { readonly by: ColumnName | null };

/** Finds rows in the order of a scan. */
export class PostgresScan implements ScanRows {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async deleteRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<DeletedRange> {
    const { shard } = step;
    if (shard.scan === 'by-location') return deleteByLocation(this.#connection, target, shard, step, key);
    if (shard.scan === 'by-age') return deleteByAge(this.#connection, withAge(target), shard, step, key);
    throw new Error(`rows cannot be scanned ${shard.scan}`);
  }

  async lockRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<LockedRows> {
    const { shard } = step;
    if (shard.scan === 'by-location') return lockByLocation(this.#connection, target, shard, step, key);
    if (shard.scan === 'by-age') return lockByAge(this.#connection, withAge(target), shard, step, key);
    throw new Error(`rows cannot be scanned ${shard.scan}`);
  }

  async readRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<ReadRows> {
    const { shard } = step;
    const aged = withAge(target);
    if (shard.scan === 'by-location') return readByLocation(this.#connection, aged, shard, step, key);
    if (shard.scan === 'by-age') return readByAge(this.#connection, aged, shard, step, key);
    throw new Error(`rows cannot be scanned ${shard.scan}`);
  }

  async countRange(target: CountTarget, from: ScanStep, to: ShardEnd): Promise<number> {
    const { rows } = await sql<{ rows: number }>`
      select count(*)::int as rows
      from ${tableRef(target.table)} as t
      where ${isScanned(target, from, to)} and ${toSql(target.where)}`.execute(this.#connection.db);
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
}

function withAge(target: ScanTarget): ScanTarget & { readonly age: ColumnName } {
  const { age } = target;
  if (age === null) throw new Error('a scan by age has no column');
  return { ...target, age };
}

/** Over alias `t`: the row lies between two cursors of a shard. */
function isScanned({ by }: CountTarget, { shard, cursor }: ScanStep, to: ShardEnd): RawBuilder<boolean> {
  switch (shard.scan) {
    case 'by-location': {
      const from = readLocation(cursor) ?? pageStart(shard.fromPage);
      return sql`t.ctid > ${from}::tid and t.ctid <= ${readLocation(to.cursor) ?? from}::tid`;
    }
    case 'by-age': {
      if (by === null) throw new Error('a scan by age has no column');
      return isBetweenAges(by, shard, readAgePosition(cursor), to.done ? 'end' : readAgePosition(to.cursor));
    }
    case 'by-parent-key': {
      if (by === null) throw new Error('a scan by parent key has no column');
      return isBetweenKeys({ by }, shard, readLocation(cursor), readLocation(to.cursor), to.done);
    }
    case 'by-partition':
    case 'tables':
    case 'files':
      return sql`false`;
  }
}
