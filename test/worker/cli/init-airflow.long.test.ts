import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { ApplicationDatabases, listAllRows } from '../../support/application-database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { makeFastFolder } from '../../support/memory-disk.ts';
import { describeNeeding } from '../../support/needing.ts';
import { AIRFLOW, need, ROOT } from '../../support/parts/bring.ts';

const execute = promisify(execFile);

/** What belongs to a task. The cleaner deletes most of it by an age of its own, also if it keeps the run. */
const OF_TASKS = new Set(
  ['task_instance', 'task_instance_history', 'task_reschedule', 'xcom', 'rendered_task_instance_fields'].map(
    (table) => `public.${table}`,
  ),
);

describeNeeding(['temporal'], 'what init proposes for the database of Airflow', () => {
  const databases = new ApplicationDatabases();
  beforeAll(async () => need(AIRFLOW), 600_000);
  afterEach(async () => databases.drop());

  test('deletes what airflow db clean deletes, after at most ten edited lines', async () => {
    const home = makeFastFolder('airflow');
    const airflow = async ({ url }: TestDatabase, ...args: string[]): Promise<unknown> =>
      // The program names the folder in which it was installed, and the cache may have moved.
      execute(join(AIRFLOW.path, '../python'), ['-m', 'airflow', ...args], {
        env: {
          ...process.env,
          AIRFLOW_HOME: home,
          AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: url.replace(/^\w+:/, 'postgresql+psycopg2:'),
        },
        maxBuffer: 1 << 26,
      });
    const ours = await databases.open();
    await airflow(ours, 'db', 'migrate');
    await ours.pool.query(readFileSync(join(ROOT, 'test/support/applications/airflow.sql'), 'utf8'));
    const before = await listAllRows(ours);
    const theirs = await databases.copy(ours);
    const horizon = await theirs.value<string>(
      `select to_char((now() - interval '90 days') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')`,
    );
    await airflow(
      theirs,
      'db',
      'clean',
      '--yes',
      '--skip-archive',
      '--error-on-cleanup-failure',
      '--clean-before-timestamp',
      horizon,
    );
    // It logs that it was called.
    await theirs.rows(`delete from log where event like 'cli%'`);
    const wanted = await listAllRows(theirs);

    const config = databases.propose(ours);
    await config.init();
    const dagRun = "  tableName: 'dag_run',\n  properties: {\n";
    const final = "      where: { state: { $in: ['success', 'failed'] } },\n";
    config.edit(
      [
        dagRun,
        `${dagRun}    dagId: p.text().fieldName('dag_id'),\n    runType: p.text().fieldName('run_type'),\n`,
      ],
      [
        `      entity: DagRun,\n      age: 'endDate',\n      olderThan: '90 days',\n${final}`,
        `      entity: DagRun,
      age: 'startDate',
      olderThan: '90 days',
      keepLast: { count: 1, per: ['dagId'] },
      overrides: [{ where: { runType: 'manual' }, olderThan: '90 days', keepLast: null }],\n`,
      ],
      [
        `      entity: Job,\n      age: 'endDate',\n      olderThan: '90 days',\n${final}`,
        "      entity: Job,\n      age: 'latestHeartbeat',\n      olderThan: '90 days',\n",
      ],
      ["age: 'exp',\n      olderThan: '1 day'", "age: 'exp',\n      olderThan: '90 days'"],
      ['  enabled: false,', '  enabled: true,'],
    );
    expect(await config.countEditedLines()).toBeLessThanOrEqual(10);
    const preview = await config.preview();
    expect(await config.run()).toMatchObject({ status: 'completed', deleted: preview.deleted });

    // What belongs to a task of a run that is kept stays with it. Nothing else differs.
    const withoutTasks = (rows: Record<string, string[]>): object =>
      Object.fromEntries(Object.entries(rows).filter(([table]) => !OF_TASKS.has(table)));
    const left = await listAllRows(ours);
    expect(withoutTasks(left)).toEqual(withoutTasks(wanted));
    expect(await ours.rows(OLD_RUNS_WITH_TASKS)).toEqual([{ run_id: 'run 100' }]);
    for (const table of [
      'dag_run',
      'task_instance',
      'xcom',
      'job',
      'log',
      'callback',
      'revoked_token',
      'asset_event',
    ]) {
      const rows = (all: Record<string, string[]>): number => all[`public.${table}`]?.length ?? 0;
      expect(rows(left)).toBeGreaterThan(0);
      expect(rows(left)).toBeLessThan(rows(before));
    }

    // The pass for tasks by their own age stands there as a comment: with it nothing differs.
    const [proposed = 'none'] =
      /^ {4}\/\/ expireRows\(\{ name: 'task-instance', .*$/m.exec(config.text) ?? [];
    const tasks =
      "expireRows({ name: 'task-instance', entity: TaskInstance, age: 'startDate', olderThan: '90 days' }),";
    config.edit([proposed, `    ${tasks}`]);
    expect(await config.countEditedLines()).toBeLessThanOrEqual(10);
    await config.compile();
    const rest = await config.preview();
    expect(rest.deleted).toMatchObject({
      task_instance: 3,
      xcom: 3,
      task_instance_history: 1,
      task_reschedule: 1,
    });
    expect(await config.run()).toMatchObject({ status: 'completed', deleted: rest.deleted });
    expect(await listAllRows(ours)).toEqual(wanted);
  });
});

const OLD_RUNS_WITH_TASKS = `
  select distinct run_id from task_instance where start_date < now() - interval '90 days'`;
