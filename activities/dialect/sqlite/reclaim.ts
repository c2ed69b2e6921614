import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { sql } from 'kysely';

import type { ReclaimMode } from '../../../policy/reclaim-space.ts';
import type { TableName } from '../../stored/columns.ts';
import type { TableSize } from '../../stored/size.ts';
import type { Reclaim, ReclaimEntry, ReclaimSession, WholeReclaim } from '../reclaim.ts';
import type { Sizes } from '../sizes.ts';
import type { TransactionLimits } from '../transaction-limits.ts';
import { ledgerTable } from './connection.ts';
import { outOfTime } from './errors.ts';
import type { SqliteFile } from './file.ts';
import { SCHEMA } from './listed-tables.ts';
import { NOT_KNOWN } from './sizes.ts';

/** Stands for the file in the journal: it has no tables that give their own space back. */
const WHOLE: TableName = { schema: SCHEMA, name: '', label: 'whole file' };
/** So many pages a transaction: 0.4 ms, at the most 9. */
const PAGES_PER_STEP = 256;
/** A rewrite copies so many bytes in a millisecond: a third of what was measured on a quiet machine (150 MB/s). */
const BYTES_PER_MILLI = 50_000;
/** Of `pragma auto_vacuum`: free pages are given back when somebody asks for it. */
const INCREMENTAL = 2;

/**
 * Gives the space of the file back. `vacuum` moves free pages to its end and cuts them off, in short transactions with the
 * rests of a batch; the file must have been made for it. `full` rewrites the file, and nobody else can write meanwhile.
 */
export class SqliteReclaim implements Reclaim {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  async findProblem(): Promise<undefined> {
    return undefined;
  }

  async run<T>(work: (session: ReclaimSession) => Promise<T>): Promise<T> {
    return work(new SqliteReclaimSession(this.#file));
  }

  async planWhole(mode: ReclaimMode): Promise<WholeReclaim> {
    const { bytes, free, isIncremental } = await readFileSize(this.#file);
    if (mode === 'reindex') {
      const problem = 'SQLite rebuilds indexes only with the whole file, as mode full does';
      return { table: WHOLE, bytes, unusedBytes: 0, problem, neededBytes: 0, freeBytes: 0, blockedMillis: 0 };
    }
    if (mode === 'vacuum') {
      const problem = isIncremental
        ? undefined
        : 'it was not made to give free pages back (auto_vacuum is not incremental). New rows fill them; mode full gives them back';
      const nothing = { neededBytes: 0, freeBytes: 0, blockedMillis: 0 };
      return { table: WHOLE, bytes, unusedBytes: free, problem, ...nothing };
    }
    const { rows } = await this.#file.run(sql<{ unused: number }>`
      select sum(unused) as unused from dbstat where aggregate = true`);
    const unusedBytes = free + (rows[0]?.unused ?? 0);
    const blockedMillis = (bytes - free) / BYTES_PER_MILLI;
    return {
      table: WHOLE,
      bytes,
      unusedBytes,
      problem: undefined,
      blockedMillis,
      ...this.#measureDisk(bytes - free),
    };
  }

  /** A copy in the folder for temporary files, and as much again in the write-ahead log beside the file. */
  #measureDisk(liveBytes: number): Pick<WholeReclaim, 'neededBytes' | 'freeBytes'> {
    const own = dirname(this.#file.path);
    const temporary = process.env['SQLITE_TMPDIR'] ?? process.env['TMPDIR'] ?? '/var/tmp';
    const isSame = statSync(own).dev === statSync(temporary).dev;
    const freeBytes = Math.min(...[own, temporary].map(countFreeBytes));
    return { neededBytes: isSame ? 2 * liveBytes : liveBytes, freeBytes };
  }
}

class SqliteReclaimSession implements ReclaimSession {
  readonly #file: SqliteFile;
  readonly sizes: Sizes;
  #limits: TransactionLimits = { lockMillis: 0, statementMillis: 0 };

  constructor(file: SqliteFile) {
    this.#file = file;
    this.sizes = {
      read: async () => [await readAsTable(file)],
      measureBloat: async () => undefined,
      readVacuumBlockers: async () => ({ blockers: [], hidden: false }),
    };
  }

  async limit(limits: TransactionLimits): Promise<void> {
    this.#limits = limits;
  }

  /** One that others are at work on is locked, and waited for by the statement. */
  async tryToOwn(): Promise<boolean> {
    return true;
  }

  async recordStart({ run, pass, table, mode }: ReclaimEntry, bytes: number): Promise<number> {
    const { rows } = await this.#file.run(sql<{ id: number }>`
      insert into ${ledgerTable(this.#file, 'reclaim')} (run_id, pass, label, mode, event, bytes, at)
      values (${run}, ${pass}, ${table.label}, ${mode}, 'started', ${bytes}, ${Date.now()})
      returning id`);
    return rows[0]?.id ?? 0;
  }

  /** A rewrite goes on when the signal fires: nothing in SQLite ends it. */
  async reclaim(mode: ReclaimMode, _table: TableName, signal: AbortSignal): Promise<void> {
    const { lockMillis, statementMillis } = this.#limits;
    if (mode === 'full') {
      await this.#file.runAlone('vacuum', lockMillis);
      return;
    }
    const until = statementMillis === 0 ? Infinity : performance.now() + statementMillis;
    while ((await readFileSize(this.#file)).free > 0) {
      signal.throwIfAborted();
      if (performance.now() > until) throw outOfTime();
      await this.#file.runAlone(`pragma incremental_vacuum(${PAGES_PER_STEP})`, lockMillis);
    }
  }
}

interface FileSize {
  readonly bytes: number;
  /** Bytes of pages that nothing uses. */
  readonly free: number;
  readonly isIncremental: boolean;
}

async function readFileSize(file: SqliteFile): Promise<FileSize> {
  const { rows } = await file.run(sql<{ bytes: number; free: number; mode: number }>`
    select page_count * page_size as bytes, freelist_count * page_size as free, auto_vacuum as mode
    from pragma_page_count, pragma_page_size, pragma_freelist_count, pragma_auto_vacuum`);
  const { bytes = 0, free = 0, mode = 0 } = rows[0] ?? {};
  return { bytes, free, isIncremental: mode === INCREMENTAL };
}

async function readAsTable(file: SqliteFile): Promise<TableSize> {
  const { bytes } = await readFileSize(file);
  return { table: WHOLE.label, heap: bytes, indexes: 0, live: 0, ...NOT_KNOWN };
}

function countFreeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
