import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { RunReport } from '../../activities/contract.ts';
import type { Policy } from '../../policy/policy.ts';
import { sweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { describeNeeding } from '../support/needing.ts';
import { Pictures, picturesPolicy, withFiles } from '../support/pictures.ts';
import { saidBy } from '../support/said.ts';
import { TemporalSession } from '../support/temporal.ts';

describeNeeding(['temporal'], 'a run with files', () => {
  const session = new TemporalSession();
  let pictures: Pictures;

  beforeEach(async () => {
    pictures = await Pictures.create();
  });
  afterEach(async () => pictures.drop());
  afterAll(async () => session.close());

  test('says how many and how large, and sends no path and no folder to Temporal', async () => {
    const old = Array.from({ length: 1500 }, (_, n) => `secret-${n}.jpg`);
    for (const key of [...old, 'secret-young.jpg', 'secret-stray.jpg']) pictures.write(key, 2);
    await pictures.add(2, [...old, '../secret-outside.jpg']);
    await pictures.add(0, ['secret-young.jpg']);
    const policy = picturesPolicy(
      ...withFiles(pictures.root),
      sweepStrayFiles({ name: 'strays', root: pictures.root, remove: true }),
    );
    const taskQueue = session.queue();
    const worker = { taskQueue, url: pictures.database.url, policies: [policy] };
    await session.withVacuum(worker, async (client) => {
      const counted = await session.start(taskQueue, { mode: 'preview' });
      expect(await counted.result()).toMatchObject({ files: 1501, spaceReclaimed: 3002 });
      const handle = await session.start(taskQueue);
      const report = (await handle.result()) as RunReport;
      expect(report).toMatchObject({ status: 'completed', files: 1501, spaceReclaimed: 3002 });
      const progress = await handle.query(progressQuery);
      expect(progress.passes.map(({ name, percent }) => ({ name, percent }))).toEqual([
        { name: 'old', percent: 100 },
        { name: 'files', percent: 100 },
        { name: 'strays', percent: 100 },
      ]);
      expect(progress.passes[1]?.found).toMatchObject({ rows: 1501, resolved: 1500, unresolved: 1 });
      for (const { workflowId } of [counted, handle]) {
        const history = await client.workflow.getHandle(workflowId).fetchHistory();
        const text = saidBy(history);
        expect(text).toContain('spaceReclaimed');
        expect(text).not.toContain('secret');
        expect(text).not.toContain(pictures.folder);
      }
    });
    expect(pictures.files()).toEqual(['secret-young.jpg']);
  });

  test('a sweep knows how far it is once a former run has counted the files', async () => {
    const kept = Array.from({ length: 1500 }, (_, n) => `${n}.jpg`);
    for (const key of [...kept, 'stray.jpg']) pictures.write(key);
    await pictures.add(0, kept);
    const sweep = (remove: boolean): Policy =>
      picturesPolicy(sweepStrayFiles({ name: 'strays', root: pictures.root, remove }));
    const taskQueue = session.queue();
    for (const remove of [false, false, true]) {
      const worker = { taskQueue, url: pictures.database.url, policies: [sweep(remove)] };
      await session.withVacuum(worker, async () => {
        const handle = await session.start(taskQueue);
        await handle.result();
      });
    }
    const shards = await pictures.database.rows<{ shards: unknown }>(
      'select shards from vacuum.pass order by run_id',
    );
    expect(shards.map((pass) => pass.shards)).toEqual([
      [{ scan: 'files' }],
      [{ scan: 'files', expected: { files: 1501, walks: 1 } }],
      [{ scan: 'files', expected: { files: 1501, walks: 2 } }],
    ]);
  });
});
