import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { LedgerReport } from '../../activities/stored/report.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { createHollow, readJournal, slowDown, speedUp, untilVacuuming } from '../support/reclaim/hollow.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const CONFIG = new URL('../support/reclaim/vacuum.config.ts', import.meta.url).pathname;
const AGAIN = [
  'vacuum item started',
  'vacuum item ended interrupted',
  'vacuum item started',
  'vacuum item ended done',
];

describeNeeding(['temporal'], 'a worker that dies while the server vacuums', () => {
  const session = new TemporalSession();
  const workers: WorkerProcess[] = [];
  let database: TestDatabase;
  let taskQueue = '';

  const startWorker = async (): Promise<WorkerProcess> => {
    const worker = await startWorkerProcess({ url: database.url, taskQueue, config: CONFIG });
    workers.push(worker);
    return worker;
  };
  const inTheMiddle = async (
    millisPerPage = 100,
  ): Promise<{ victim: WorkerProcess; handle: WorkflowHandle; pid: number }> => {
    await slowDown(database, millisPerPage);
    const victim = await startWorker();
    const handle = await session.start(taskQueue);
    const pid = await untilVacuuming(database, 'item');
    await speedUp(database);
    return { victim, handle, pid };
  };
  const joinNotes = ({ notes }: LedgerReport): string =>
    notes.map(({ what, here = '' }) => `${what} [${here}]`).join('\n');
  const untilGone = async (pid: number): Promise<void> => {
    await waitFor('the session to end', async () => {
      const left = await database.value('select count(*) from pg_stat_activity where pid = $1', [pid]);
      return left === 0;
    });
  };

  beforeEach(async () => {
    database = await createHollow('at the end', 6_000);
    taskQueue = session.queue();
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(async (worker) => worker.end('SIGKILL')));
    await database.drop();
  });
  afterAll(async () => session.close());

  test('by SIGKILL: the server ends its statement, the next attempt says so and does it again', async () => {
    const { victim, handle, pid } = await inTheMiddle();
    await victim.end('SIGKILL');
    await untilGone(pid);
    expect(await readJournal(database)).toEqual(['vacuum item started']);
    await startWorker();
    const result = (await handle.result()) as { status: string; bytes: number };
    expect(result.status).toBe('completed');
    expect(result.bytes).toBeGreaterThan(0);
    expect(await readJournal(database)).toEqual(AGAIN);
    const report = await fetchReport(database, handle.workflowId);
    expect(joinNotes(report)).toMatch(
      /^pass reclaim was interrupted at one table.*\[vacuum of table item, begun/,
    );
    expect(report.rows).toBe(4_000);
  });

  test('by SIGTERM: its statement is ended and the next one begins the table anew', async () => {
    const { victim, handle, pid } = await inTheMiddle();
    await victim.end('SIGTERM');
    await untilGone(pid);
    expect(await readJournal(database)).toEqual(['vacuum item started', 'vacuum item ended cancelled']);
    await startWorker();
    expect(await handle.result()).toMatchObject({ status: 'completed' });
  });

  test('by being given up while it still works: the table is never vacuumed by two at once', async () => {
    // The vacuum goes on to its end meanwhile: longer than a heartbeat may be missing, and not much.
    const { victim, handle, pid } = await inTheMiddle(30);
    // Stopped, it keeps its connections: PostgreSQL goes on, and so does Temporal with giving its polls attempts and workflow
    // tasks, each of which is lost for ten seconds. Five attempts took 63 s, more of them can take two minutes.
    victim.signal('SIGSTOP');
    await startWorker();
    expect(await handle.result()).toMatchObject({ status: 'completed' });
    await untilGone(pid);
    expect(await readJournal(database)).toEqual(AGAIN);
    victim.signal('SIGCONT');
    expect(await database.value('select count(*) from vacuum.batch where pass = 1')).toBe(1);
  });

  test('with its workflow: the next run finds what was started and has no end', async () => {
    const { victim, handle, pid } = await inTheMiddle();
    await victim.end('SIGKILL');
    await untilGone(pid);
    await handle.terminate();
    await startWorker();
    const next = await session.start(taskQueue);
    const result = (await next.result()) as { notes: string[] };
    expect(result.notes).toEqual([
      expect.stringMatching(/^pass reclaim of run 1 was interrupted at one table/),
    ]);
    expect((await readJournal(database)).slice(0, 2)).toEqual(AGAIN.slice(0, 2));
    const third = await session.start(taskQueue);
    expect(await third.result()).toMatchObject({ notes: [] });
  });
});
