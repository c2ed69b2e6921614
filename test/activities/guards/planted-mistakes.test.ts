import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ApplicationFailure } from '@temporalio/common';

import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { countThings, makeThings, thingPolicy } from '../../support/guarded.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { LARGE } from './planted/large.ts';
import { MOVED } from './planted/moved.ts';
import type { Planted } from './planted/planted.ts';
import { WRITTEN } from './planted/written.ts';

const PLANTED: readonly Planted[] = [...WRITTEN, ...LARGE, ...MOVED];

const getName = (n: number): string => `things-${n}`;

describeNeeding(['temporal'], 'nothing is deleted, and the message says what to do, for', () => {
  const session = new TemporalSession();
  const databases = new Map<string, TestDatabase>();
  const working: Promise<unknown>[] = [];
  let stop: () => void;
  let planted: string;
  let sound: string;

  beforeAll(async () => {
    const template = await makeThings();
    for (const n of PLANTED.keys()) databases.set(getName(n), await createDatabase(template));
    const ended = new Promise<void>((resolve) => {
      stop = resolve;
    });
    planted = work(ended, (n) => PLANTED[n]?.policy ?? {});
    sound = work(ended, () => ({}));
  }, 60_000);

  afterAll(async () => {
    stop();
    await Promise.all(working);
    await session.close();
    for (const database of databases.values()) await database.drop();
  });

  /** A worker for the policies of all cases, each with a database of its own. */
  function work(ended: Promise<void>, options: (n: number) => object): string {
    const taskQueue = session.queue();
    const policies: Policy[] = [...PLANTED.keys()].map((n) =>
      thingPolicy({ ...options(n), name: getName(n), database: getName(n) }),
    );
    const urls = Object.fromEntries([...databases].map(([name, { url }]) => [name, url]));
    working.push(session.withVacuum({ taskQueue, databases: urls, policies }, async () => ended));
    return taskQueue;
  }

  async function findFailure(taskQueue: string, input: object): Promise<ApplicationFailure | undefined> {
    const handle = await session.start(taskQueue, input);
    try {
      await handle.result();
      return undefined;
    } catch (error) {
      return (error as Error).cause as ApplicationFailure;
    }
  }

  async function runBefore(policy: string, after: Planted['after']): Promise<void> {
    if (after === undefined) return;
    const isSound = after === 'a sound run';
    const failure = await findFailure(isSound ? sound : planted, { policy });
    if ((failure === undefined) !== isSound) throw new Error(`${after} went otherwise: ${failure?.message}`);
  }

  test.each(PLANTED.map((mistake, n) => [mistake.mistake, mistake, n] as const))(
    '%s',
    async (_, { plant, after, input, says, fix }, n) => {
      const policy = getName(n);
      const database = databases.get(policy);
      if (database === undefined) throw new Error('no database');
      await runBefore(policy, after);
      if (plant !== undefined) await database.rows(plant);
      const before = await countThings(database);

      const failure = await findFailure(planted, { policy, ...input });

      expect(failure?.type).toMatch(/^Vacuum(InvalidInput|Guard)$/);
      for (const words of [...says, fix, 'nothing was deleted']) expect(failure?.message).toContain(words);
      expect(await countThings(database)).toEqual(before);
    },
  );
});
