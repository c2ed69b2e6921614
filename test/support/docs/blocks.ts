import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, test } from '@jest/globals';
import { WorkflowNotFoundError } from '@temporalio/client';

import { pauseSignal, stopSignal } from '../../../workflows/messages.ts';
import type { RunProgress } from '../../../workflows/progress.ts';
import { describeNeeding } from '../needing.ts';
import { OwnTemporal } from '../own-temporal.ts';
import { ROOT } from '../parts/bring.ts';
import { waitFor } from '../wait.ts';
import { compilePages } from './compile.ts';
import type { Block } from './markdown.ts';
import { readBlocks } from './markdown.ts';
import { expectOutcome } from './outcome.ts';
import type { Group } from './pages.ts';
import { findGroup, PAGES, readPage } from './pages.ts';
import type { WorldKind } from './world.ts';
import { World } from './world.ts';

/** Every block of the pages is typed, compiled or executed in the order of its page, as a reader would, on real parts. */
export function describeBlocks(group: Group): void {
  const alerts = group === 'starting' ? (['promql'] as const) : [];
  describeNeeding(['temporal', 'tctl', ...alerts], 'every block of', () => {
    // Pages use the task queues and schedules that everybody uses.
    const temporal = OwnTemporal.forAll();
    let world: World | undefined;
    const folders: string[] = [];

    afterEach(leave);

    const pages = PAGES.filter((page) => findGroup(page) === group && readBlocks(readPage(page)).length > 0);
    test.each(pages)('%s does what it says', async (page) => {
      for (const block of readBlocks(readPage(page))) await follow(page, block);
    });

    test('is code that compiles, if it is code', async () => {
      await compilePages(folders);
    });

    async function follow(page: string, block: Block): Promise<void> {
      const kind = findMessage(block, 'database: ');
      if (kind !== undefined) {
        await leave();
        world = await World.open(kind as WorldKind, temporal.address);
        folders.push(world.folder);
      }
      const elsewhere = findMessage(block, 'run by ');
      if (elsewhere !== undefined) {
        if (!existsSync(join(ROOT, elsewhere))) throw new Error(`${page}:${block.line}: no ${elsewhere}`);
        return;
      }
      if (world === undefined)
        throw new Error(`${page}:${block.line} does not say which database it is about`);
      await run(world, page, block);
    }

    async function run(on: World, page: string, block: Block): Promise<void> {
      switch (block.language) {
        case 'ts':
        case 'js':
          on.write(block.text);
          return;
        case 'sql':
          await on.query(block.text);
          return;
        case 'sh': {
          if (block.said.includes('runs until the end of the page')) {
            await on.start(block.text);
            return;
          }
          const isSteered = block.said.includes('on an open run');
          if (isSteered) await openPausedRun(block.text);
          const { code, output } = await on.type(block.text);
          const wanted = Number(findMessage(block, 'exits with ') ?? 0);
          if (code !== wanted) throw new Error(`${page}:${block.line} exits with ${code}:\n${output}`);
          try {
            await expectOutcome({ database: on.database, client: temporal.client, output }, block);
          } catch (error) {
            throw new Error(`${page}:${block.line} does otherwise`, { cause: error });
          }
          if (isSteered) await endRun(block.text);
          return;
        }
        default:
          throw new Error(`${page}:${block.line} is of language "${block.language}", which no test runs`);
      }
    }

    async function openPausedRun(commands: string): Promise<void> {
      const workflowId = findWorkflow(commands);
      const handle = await temporal.client.workflow.signalWithStart('vacuum', {
        workflowId,
        taskQueue: 'vacuum',
        signal: pauseSignal,
        signalArgs: ['as the page needs it'],
        // A run that the schedule started may still be open.
        args: [{ ifBusy: 'wait' }],
      });
      await waitFor(
        'the run to be paused',
        async () => {
          // A run that is over says why.
          if ((await handle.describe()).status.name !== 'RUNNING') await handle.result();
          return (await handle.query<RunProgress>('progress')).state === 'paused';
        },
        120_000,
      );
    }

    /** Frees the lease for the next block. */
    async function endRun(commands: string): Promise<void> {
      const handle = temporal.client.workflow.getHandle(findWorkflow(commands));
      // It may be over, or be over before the signal comes.
      await handle.signal(stopSignal).catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      });
      await handle.result().catch(() => undefined);
    }

    /** Ends what a page began. */
    async function leave(): Promise<void> {
      const left = world;
      world = undefined;
      await left?.close();
      // The next page is another environment, with the same names.
      await deleteSchedule('vacuum-prefect');
      await deleteSchedule('vacuum-prefect-maintenance');
    }

    /** With the runs that it started: one that no worker has begun would begin with the worker of the next page. */
    async function deleteSchedule(id: string): Promise<void> {
      const handle = temporal.client.schedule.getHandle(id);
      const found = await handle.describe().catch(() => undefined);
      if (found === undefined) return;
      await handle.delete();
      for (const { action } of found.info.recentActions) {
        await temporal.client.workflow
          .getHandle(action.workflow.workflowId)
          .terminate('its page is over')
          .catch(() => undefined);
      }
    }
  });
}

function findMessage({ said }: Block, prefix: string): string | undefined {
  return said.find((comment) => comment.startsWith(prefix))?.slice(prefix.length);
}

function findWorkflow(commands: string): string {
  return /--workflow[-_]id (\S+)/.exec(commands)?.[1] ?? '';
}
