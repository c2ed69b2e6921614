import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';

import type { VacuumInput } from '../../activities/contract.ts';
import { Pictures } from './pictures.ts';
import { CommitProxy } from './postgres/commit-proxy.ts';
import type { HoldAt } from './postgres/commit-proxy.ts';
import { makeRandom, SEED } from './random.ts';
import type { TemporalSession } from './temporal.ts';
import { fetchReport } from './vacuum.ts';
import { waitFor } from './wait.ts';
import type { WorkerProcess } from './worker-process.ts';
import { startWorkerProcess } from './worker-process.ts';

const FOLDERS = 50;
/** As long as all of the files may take on a machine with much else to do. */
const WITHIN_MILLIS = 180_000;

/** Every tenth file is recorded by a row that stays, too; every hundredth is not there; number n has n % 97 bytes. */
const isShared = (n: number): boolean => n % 10 === 0;
const isMissing = (n: number): boolean => n % 100 === 7;
const countBytes = (n: number): number => n % 97;
const toKey = (n: number): string => `${n % FOLDERS}/${n}.jpg`;

/** Pictures whose workers die, each in a process of its own, and the checks that must hold whenever they did. */
export class KilledPictures {
  readonly pictures: Pictures;
  readonly count: number;
  readonly #session: TemporalSession;
  readonly #config: string;
  readonly #taskQueue: string;
  readonly #workers: WorkerProcess[] = [];

  private constructor(session: TemporalSession, pictures: Pictures, count: number, config: string) {
    this.#session = session;
    this.pictures = pictures;
    this.count = count;
    this.#config = config;
    this.#taskQueue = session.queue();
  }

  /** Works with so many files and their rows, under a configuration beside this file; ends all that it started. */
  static async with(
    session: TemporalSession,
    count: number,
    config: string,
    work: (killed: KilledPictures) => Promise<void>,
  ): Promise<void> {
    const killed = new KilledPictures(session, await Pictures.create(), count, config);
    try {
      await killed.#fill();
      await work(killed);
    } finally {
      await Promise.all(killed.#workers.map(async (worker) => worker.end('SIGKILL')));
      await killed.pictures.drop();
    }
  }

  /**
   * Kills a worker at a random moment of each part of a run and checks the end. Rows and files are counted together: below 1
   * rows go, above it files.
   */
  static async killAtRandom(
    session: TemporalSession,
    count: number,
    parts: readonly (readonly [number, number])[],
  ): Promise<void> {
    const random = makeRandom(SEED + count);
    await KilledPictures.with(session, count, 'pictures.config.ts', async (killed) => {
      const handle = await killed.start();
      for (const [from, until] of parts) {
        const counted = Math.floor(count * (from + random() * (until - from)));
        await killed.killAt(counted, Math.floor(random() * 50));
      }
      await killed.startWorker();
      await handle.result();
      await killed.expectWhole(handle.workflowId);
    });
  }

  async #fill(): Promise<void> {
    const { database, folder } = this.pictures;
    for (let n = 0; n < FOLDERS; n += 1) mkdirSync(join(folder, String(n)));
    const content = Buffer.alloc(100);
    for (let n = 0; n < this.count; n += 1) {
      if (!isMissing(n)) writeFileSync(join(folder, toKey(n)), content.subarray(0, countBytes(n)));
    }
    await database.rows(
      `insert into picture
       select n, now() - interval '2 days', n % ${FOLDERS} || '/' || n || '.jpg', null::integer
       from generate_series(0, $1::int - 1) as n
       union all
       select $1 + n, now(), n % ${FOLDERS} || '/' || n || '.jpg', null::integer
       from generate_series(0, $1 - 1, 10) as n`,
      [this.count],
    );
    await database.rows('analyze');
  }

  async start(input?: VacuumInput): Promise<WorkflowHandleWithFirstExecutionRunId> {
    return this.#session.start(this.#taskQueue, input);
  }

  async startWorker(url = this.pictures.database.url): Promise<WorkerProcess> {
    const config = new URL(this.#config, import.meta.url).pathname;
    const env = { TEST_PICTURES: this.pictures.folder };
    const worker = await startWorkerProcess({ url, taskQueue: this.#taskQueue, config, env });
    this.#workers.push(worker);
    return worker;
  }

  /** Starts a worker and kills it once the ledger counts so many rows and files, and so many milliseconds later. */
  async killAt(counted: number, millis: number): Promise<void> {
    const victim = await this.startWorker();
    const what = `${counted} rows and files to be counted`;
    await waitFor(what, async () => (await this.#counted()) >= counted, WITHIN_MILLIS);
    await sleep(millis);
    await victim.end('SIGKILL');
  }

  /** Starts a worker and kills it at the commit of a batch, once so many have gone through and a fact has come about. */
  async killAtCommit(at: HoldAt, batches: number, once: () => Promise<boolean>): Promise<void> {
    const proxy = await CommitProxy.start(this.pictures.database.url, at, batches);
    const victim = await this.startWorker(proxy.url);
    await proxy.held;
    await waitFor('what else is to be so at the kill', once);
    await victim.end('SIGKILL');
    await proxy.close();
  }

  /** Rows and files that the ledger counts. */
  async #counted(): Promise<number> {
    try {
      return await this.pictures.database.value(
        'select coalesce(sum(rows) + sum(files), 0)::int from vacuum.batch',
      );
    } catch {
      // The ledger is not there yet.
      return 0;
    }
  }

  /** What runs have to count in all. */
  get expected(): { readonly files: number; readonly spaceReclaimed: number } {
    const gone = this.#numbers.filter((n) => !isShared(n) && !isMissing(n));
    return { files: gone.length, spaceReclaimed: gone.reduce((sum, n) => sum + countBytes(n), 0) };
  }

  get #numbers(): number[] {
    return Array.from({ length: this.count }, (_, n) => n);
  }

  /** Those of living rows are there and no other, and none waits. */
  async expectRightFiles(): Promise<void> {
    const stay = this.#numbers.filter(isShared).map(toKey);
    expect(this.pictures.files()).toEqual(stay.toSorted());
    expect(await this.pictures.waiting()).toBe(0);
    const rows = await this.pictures.database.value('select count(*)::int from picture');
    expect(rows).toBe(stay.length);
  }

  /** And the run has counted each file once. */
  async expectWhole(workflowId: string): Promise<void> {
    await this.expectRightFiles();
    expect(await fetchReport(this.pictures.database, workflowId)).toMatchObject({
      status: 'completed',
      rows: this.count,
      ...this.expected,
    });
  }
}
