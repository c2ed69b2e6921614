import { readFileSync } from 'node:fs';

import type { TestFile } from '../sqlite.ts';
import type { FillOptions } from './fill.ts';

const SCHEMA = readFileSync(new URL('./sqlite-schema.sql', import.meta.url), 'utf8');

/** The statements by which Prefect's own migrations leave a SQLite file. */
export const PREFECT_FILE_STATEMENTS: readonly string[] = SCHEMA.split('\n').filter(
  (line) => line !== '' && !line.startsWith('--'),
);

const UUID = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a'
  || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

/** Seconds since 1970 as SQLAlchemy stores an instant. */
const at = (seconds: string): string => `strftime('%Y-%m-%d %H:%M:%f000', ${seconds}, 'unixepoch')`;

const days = (count: number): number => count * 24 * 3600;

/** `n` from 1 to a number. */
const series = (name: string, count: number): string =>
  `${name} (n) as (select 1 where ${count} > 0 union all select n + 1 from ${name} where n < ${count})`;

/** Makes Prefect's tables in a SQLite file, with rows of the same shape as `fillPrefect` makes, and then its indexes. */
export function fillPrefectFile(file: TestFile, options: FillOptions): void {
  const isIndex = (statement: string): boolean => /^create (?:unique )?index/i.test(statement);
  for (const statement of PREFECT_FILE_STATEMENTS) if (!isIndex(statement)) file.execute(statement);
  insertPrefectRows(file, options);
  for (const statement of PREFECT_FILE_STATEMENTS) if (isIndex(statement)) file.execute(statement);
}

/** Fills Prefect's tables in a SQLite file that has them. */
export function insertPrefectRows(file: TestFile, options: FillOptions): void {
  // A subflow names a task run, which names its own run.
  file.execute('begin; pragma defer_foreign_keys = on');
  fillRuns(file, options);
  fillOrphans(file, options);
  file.execute('drop table fill_run; drop table fill_task; commit');
}

function fillRuns(file: TestFile, { runs, oldRuns, logsPerRun, tasksPerRun }: FillOptions): void {
  const young = Math.max(1, runs - oldRuns);
  file.execute(`
    insert into flow (name) with recursive ${series('s', 5)} select 'flow-' || n from s;
    create temp table fill_run as
    with recursive ${series('s', runs)}
    select
      n,
      ${UUID} as id,
      unixepoch() - case
        when n % 40 = 5 then ${days(10)}
        when n % 60 = 45 then ${days(150)}
        when n <= ${oldRuns} then ${days(91)} + (${oldRuns} - n) * 300
        else cast(${days(89)} * (1 - (n - ${oldRuns}) * 1.0 / ${young}) as integer) + 3600
      end as ended,
      case
        when n % 100 = 10 then 'RUNNING' when n % 100 = 11 then 'PAUSED' when n % 100 = 13 then 'SCHEDULED'
        when n % 25 = 14 then 'FAILED' when n % 50 = 15 then 'CRASHED' when n % 50 = 16 then 'CANCELLED'
        else 'COMPLETED'
      end as state,
      n % 100 = 12 as endless,
      case when n % 20 in (5, 6, 7) and n > 7 then n - 1 end as parent
    from s;
    create index temp.fill_run_n on fill_run (n);
    create temp table fill_task as
    with recursive ${series('s', tasksPerRun)}
    select r.n as n, s.n as k, ${UUID} as id, r.id as run, r.ended
    from fill_run as r cross join s
    order by r.n, s.n;
    create index temp.fill_task_n on fill_task (n, k);
    insert into flow_run (
      id, name, flow_id, deployment_id, state_type, state_name, state_timestamp, start_time, end_time,
      expected_start_time, created, updated, parameters, tags, parent_task_run_id)
    select
      r.id, 'run-' || r.n, f.id, printf('00000000-0000-4000-a000-%012d', r.n % 40), r.state, r.state, ${at('r.ended')},
      ${at('r.ended - 60')},
      case when r.state in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED') and not r.endless then ${at('r.ended')} end,
      ${at('r.ended - 120')}, ${at('r.ended - 120')}, ${at('r.ended')},
      '{"size": 3, "source": "s3://bucket/file"}', '["nightly"]',
      (select id from fill_task where n = r.parent and k = 1)
    from fill_run as r
    join flow as f on f.name = 'flow-' || (1 + r.n % 5)
    order by r.n;
    insert into flow_run_state (flow_run_id, type, timestamp, name, created, updated)
    with recursive ${series('s', 4)}
    select
      r.id, case s.n when 1 then 'SCHEDULED' when 2 then 'PENDING' when 3 then 'RUNNING' else r.state end,
      ${at('r.ended - (4 - s.n) * 20')}, 'state', ${at('r.ended')}, ${at('r.ended')}
    from fill_run as r cross join s
    order by r.n, s.n;
    insert into task_run (
      id, flow_run_id, name, task_key, dynamic_key, state_type, state_name, state_timestamp, start_time, end_time,
      expected_start_time, created, updated)
    select
      id, run, 'task-' || k, 'task', k, 'COMPLETED', 'Completed', ${at('ended')}, ${at('ended')}, ${at('ended')},
      ${at('ended')}, ${at('ended')}, ${at('ended')}
    from fill_task
    order by n, k;
    insert into task_run_state (task_run_id, type, timestamp, name, created, updated)
    with recursive ${series('s', 3)}
    select t.id, 'COMPLETED', ${at('t.ended - (3 - s.n)')}, 'state', ${at('t.ended')}, ${at('t.ended')}
    from fill_task as t cross join s
    order by t.n, t.k, s.n;
    insert into log (name, level, flow_run_id, task_run_id, message, timestamp, created, updated)
    with recursive ${series('s', logsPerRun)}
    select
      'prefect.flow_runs', 10 + 10 * (s.n % 4), r.id, (select id from fill_task where n = r.n and k = s.n),
      'Finished step ' || s.n || ' of run ' || r.n || ' in state Completed() with a line of usual length',
      ${at('r.ended + s.n * 0.05')}, ${at('r.ended')}, ${at('r.ended')}
    from fill_run as r cross join s
    order by r.n, s.n;
    insert into flow_run_input (flow_run_id, key, value) select id, 'input', 'value' from fill_run where n % 10 = 0;
    insert into artifact (key, type, data, flow_run_id, task_run_id, created, updated)
    select
      case when r.n % 3 <> 0 then 'report-' || (r.n % 200) end, 'markdown', '"report of run ' || r.n || '"', r.id,
      (select id from fill_task where n = r.n and k = 1), ${at('r.ended')}, ${at('r.ended')}
    from fill_run as r
    order by r.n;`);
}

/** Logs and artifacts of runs that were deleted, some too young to go, and rows that never had a run. */
function fillOrphans(file: TestFile, { goneRuns, logsPerGoneRun }: FillOptions): void {
  const deletedAt = `unixepoch() - case when g.n % 10 = 0 then 7200 else ${days(30)} end`;
  file.execute(`
    create temp table fill_deleted as with recursive ${series('s', goneRuns)} select n, ${UUID} as id from s;
    insert into log (name, level, flow_run_id, message, timestamp, created, updated)
    with recursive ${series('s', logsPerGoneRun)}
    select
      'prefect.flow_runs', 20, g.id, 'A line of a run that is gone, of usual length for such a line',
      ${at(`${deletedAt} + s.n`)}, ${at(deletedAt)}, ${at(deletedAt)}
    from fill_deleted as g cross join s
    order by g.n, s.n;
    insert into artifact (key, type, data, flow_run_id, created, updated)
    select 'report-' || (g.n % 150), 'markdown', '"of a run that is gone"', ${UUID}, ${at(deletedAt)}, ${at(deletedAt)}
    from fill_deleted as g
    where g.n <= ${Math.ceil(goneRuns / 4)};
    drop table fill_deleted;
    insert into log (name, level, message, timestamp)
    with recursive ${series('s', 25)}
    select 'prefect.server', 20, 'no run at all', ${at(`unixepoch() - ${days(200)}`)} from s;
    insert into artifact_collection (key, latest_id, type, data, flow_run_id, task_run_id, created, updated)
    select key, id, type, data, flow_run_id, task_run_id, created, updated
    from (select *, row_number() over (partition by key order by created desc, id desc) as place from artifact)
    where key is not null and place = 1;
    update artifact_collection set latest_id = ${UUID} where key like 'report-%7';
    insert into artifact_collection (key, latest_id, type)
    with recursive ${series('s', 10)}
    select 'lost-' || n, ${UUID}, 'markdown' from s;`);
}
