import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import type { MikroORM } from '@mikro-orm/core';
import type { RawBuilder } from 'kysely';

import { announceLockWait } from '../lock-waits.ts';
import type { StatementResult } from '../row-sql.ts';
import type { TransactionLimits } from '../transaction-limits.ts';
import { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import { compile } from './connection.ts';
import { DutyCycle } from './duty-cycle.ts';
import { readSqliteError } from './errors.ts';

/** A write transaction without a statement for so long is rolled back: nobody else can write meanwhile. */
const WRITER_IDLE_MILLIS = 5_000;
/** The same of a snapshot, which keeps the write-ahead log from being reused. */
const READER_IDLE_MILLIS = 60_000;
/** So many snapshots are open at once; more wait. */
const READERS = 2;
/** The least time to wait for the write lock, in milliseconds: others may hold it for a second or more, which is no error. */
const LEAST_WAIT_MILLIS = 2_000;
/** A statement of its own waits so long. */
const STATEMENT_WAIT_MILLIS = 30_000;
/** After so long it says what it waits for, and again after a minute. */
const SAY_AFTER_MILLIS = 2_000;
const SAY_AGAIN_MILLIS = 60_000;
/** How often to ask for the write lock, in milliseconds. SQLite has no queue: others ask every 100 ms at the most. */
const POLL_MILLIS = 5;

/**
 * A SQLite file, by three connections: one writes, two read. In the write-ahead log readers never wait for a writer, and
 * there is one writer at a time.
 */
export class SqliteFile implements Connection {
  readonly ledgerSchema: string;
  readonly path: string;
  /** The instance that was given, which says how its host names tables; undefined for a URL. */
  readonly orm: MikroORM | undefined;
  readonly #check: (run: Connection['run']) => Promise<void>;
  readonly #inWriter = new AsyncLocalStorage<true>();
  readonly #dutyCycle = new DutyCycle();
  #opened: Promise<{ readonly writer: Channel; readonly readers: readonly Channel[] }> | undefined;
  #nextReader = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** `check` is called once with the first connection and throws if the file cannot be used. */
  constructor(
    path: string,
    ledgerSchema: string,
    check: (run: Connection['run']) => Promise<void>,
    orm?: MikroORM,
  ) {
    this.path = path;
    this.ledgerSchema = ledgerSchema;
    this.orm = orm;
    this.#check = check;
  }

  /** Runs a statement of its own: on a connection that reads, or on the one that writes once the write lock is free. */
  async run<T>(query: RawBuilder<T>): Promise<StatementResult<T>> {
    const { sql, values } = compile(query);
    const { writer, readers } = await this.#open();
    if (/^(select|with|pragma|explain)\b/i.test(sql)) {
      // A transaction that is open has the connection for itself.
      const reader = this.#pickReader(readers);
      return reader.use(async () => reader.run<T>(sql, values));
    }
    this.#assertNotInWriter();
    return writer.use(async () =>
      this.#waitWhileBusy(STATEMENT_WAIT_MILLIS, async () => writer.run<T>(sql, values)),
    );
  }

  /**
   * Runs work in a transaction that holds the write lock of the file from its first statement on. Others who hold it are
   * waited for; after the lock limit, but not before {@link LEAST_WAIT_MILLIS}, it throws an error of kind `busy`.
   */
  async write<T>(limits: TransactionLimits, work: (tx: OpenTransaction) => Promise<T>): Promise<T> {
    this.#assertNotInWriter();
    const { writer } = await this.#open();
    return writer.use(async () => {
      await this.#dutyCycle.rest(writer);
      const wait = Math.max(limits.lockMillis, LEAST_WAIT_MILLIS);
      await this.#waitWhileBusy(
        wait,
        async () => writer.run('begin immediate'),
        () => this.#dutyCycle.noticeOthers(),
      );
      const began = performance.now();
      try {
        return await this.#inWriter.run(true, async () => runTransaction(this, writer, work));
      } finally {
        this.#dutyCycle.recordHold(performance.now() - began);
      }
    });
  }

  /**
   * Runs a statement that cannot be part of a transaction and writes, with the rests of a batch. Others who hold the lock are
   * waited for as by {@link write}.
   */
  async runAlone(text: string, lockMillis: number): Promise<void> {
    this.#assertNotInWriter();
    const { writer } = await this.#open();
    await writer.use(async () => {
      await this.#dutyCycle.rest(writer);
      let began = performance.now();
      await this.#waitWhileBusy(
        Math.max(lockMillis, LEAST_WAIT_MILLIS),
        async () => {
          began = performance.now();
          return writer.run(text);
        },
        () => this.#dutyCycle.noticeOthers(),
      );
      this.#dutyCycle.recordHold(performance.now() - began);
    });
  }

  /** Runs work on one snapshot: all that it reads is of one instant, and nothing can be written. */
  async read<T>(work: (tx: OpenTransaction) => Promise<T>): Promise<T> {
    const { readers } = await this.#open();
    const reader = this.#pickReader(readers);
    return reader.use(async () => {
      await reader.run('begin');
      // The snapshot is that of the first statement that reads.
      await reader.run('select count(*) from main.sqlite_schema');
      return runTransaction(this, reader, work);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opened = await this.#opened?.catch(() => undefined);
    if (opened === undefined) return;
    // The last one to close a file empties its write-ahead log, which a connection that only reads cannot.
    await Promise.all(opened.readers.map(async (reader) => reader.close()));
    await opened.writer.close();
  }

  async #open(): Promise<{ readonly writer: Channel; readonly readers: readonly Channel[] }> {
    if (this.#closed) throw new Error('the database is closed');
    const opening = (this.#opened ??= this.#connect());
    opening.catch(() => (this.#opened = undefined));
    return opening;
  }

  async #connect(): Promise<{ readonly writer: Channel; readonly readers: readonly Channel[] }> {
    const connect = (readOnly: boolean): Channel =>
      new Channel({
        file: this.path,
        readOnly,
        idleMillis: readOnly ? READER_IDLE_MILLIS : WRITER_IDLE_MILLIS,
      });
    let writer: Channel | undefined;
    await this.#check(async (query) => {
      writer ??= connect(false);
      const { sql, values } = compile(query);
      return writer.run(sql, values);
    }).catch(async (error: unknown) => {
      await writer?.close();
      throw error;
    });
    return {
      writer: writer ?? connect(false),
      readers: Array.from({ length: READERS }, () => connect(true)),
    };
  }

  #pickReader(readers: readonly Channel[]): Channel {
    this.#nextReader = (this.#nextReader + 1) % readers.length;
    return readers[this.#nextReader] as Channel;
  }

  /** Tries again while others hold the file, for so many milliseconds. Never waits inside of SQLite. */
  async #waitWhileBusy<T>(
    millis: number,
    work: () => Promise<T>,
    onBusy: () => void = () => undefined,
  ): Promise<T> {
    const began = performance.now();
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (readSqliteError(error)?.kind !== 'busy') throw error;
        onBusy();
        const waited = performance.now() - began;
        if (waited >= SAY_AFTER_MILLIS) this.#sayWait();
        if (waited > millis) throw error;
        await sleep(POLL_MILLIS);
      }
    }
  }

  #sayWait(): void {
    if (performance.now() - this.#saidAt < SAY_AGAIN_MILLIS) return;
    this.#saidAt = performance.now();
    announceLockWait(
      `waiting for the write lock of file ${this.path}, which another process holds: the application in a long transaction, ` +
        `a backup, or a shell with an open transaction. \`fuser ${this.path}\` lists who has the file open`,
    );
  }

  /** It would wait for itself. */
  #assertNotInWriter(): void {
    if (this.#inWriter.getStore() === true) throw new Error('a transaction was begun inside of another one');
  }
}

export interface OpenTransaction extends Connection {
  readonly channel: Channel;
}

async function runTransaction<T>(
  { ledgerSchema }: SqliteFile,
  channel: Channel,
  work: (tx: OpenTransaction) => Promise<T>,
): Promise<T> {
  try {
    const result = await work({
      channel,
      ledgerSchema,
      startedAt: performance.now(),
      run: async (query) => {
        const { sql, values } = compile(query);
        return channel.run(sql, values);
      },
    });
    await channel.run('commit');
    return result;
  } catch (error) {
    // An error of the disk may have ended it.
    await channel.run('rollback').catch(() => undefined);
    throw error;
  }
}
