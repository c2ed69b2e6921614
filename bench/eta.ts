import { setTimeout as sleep } from 'node:timers/promises';

import type { WorkflowHandle } from '@temporalio/client';
import type { Client } from 'pg';

import type { RunProgress } from '../workflows/progress.ts';

/** How often to ask a run how far it is. */
const LOOK_EVERY_MILLIS = 200;

/** Asks a run how far it is until it ends. */
export class ProgressLog {
  readonly #progress: RunProgress[] = [];
  readonly #ended = new AbortController();
  readonly #following: Promise<void>;

  constructor(handle: WorkflowHandle) {
    this.#following = this.#follow(handle);
  }

  async #follow(handle: WorkflowHandle): Promise<void> {
    while (!this.#ended.signal.aborted) {
      // The first questions may come before the worker has the workflow.
      const progress = await handle.query<RunProgress>('progress').catch(() => undefined);
      if (progress !== undefined) this.#progress.push(progress);
      await sleep(LOOK_EVERY_MILLIS, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#following;
  }

  /**
   * How far off the ETA of the largest pass was when a tenth of its rows was gone, as a part of the time that was left:
   * by what the run knew then, or by the first that it knew after. Null if it never knew.
   */
  async errorAtTenth(client: Client, run: number): Promise<number | null> {
    const { rows } = await client.query<{ name: string; tenth: number; end: number }>(
      `with batch as (
         select pass, at, sum(rows) over w as upto, sum(rows) over (partition by pass) as total
         from vacuum.batch
         where run_id = $1
         window w as (partition by pass order by at)
       )
       select
         p.name,
         (1000 * extract(epoch from min(b.at) filter (where b.upto >= 0.1 * b.total)))::float8 as tenth,
         (1000 * extract(epoch from max(b.at)))::float8 as end
       from batch as b
       join vacuum.pass as p on p.run_id = $1 and p.ordinal = b.pass
       group by p.name, b.total
       order by b.total desc
       limit 1`,
      [run],
    );
    const pass = rows[0];
    if (pass === undefined) return null;
    const ends = this.#progress.flatMap(({ asOf, passes }) => {
      const etaSeconds = passes.find(({ name }) => name === pass.name)?.etaSeconds ?? null;
      if (asOf === null || etaSeconds === null) return [];
      const at = Date.parse(asOf);
      return [{ at, end: at + etaSeconds * 1000 }];
    });
    const known = ends.findLast(({ at }) => at <= pass.tenth) ?? ends[0];
    if (known === undefined) return null;
    return Math.abs(known.end - pass.end) / (pass.end - Math.max(known.at, pass.tenth));
  }
}
