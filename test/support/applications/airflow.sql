-- Rows on both sides of 90 days, for a database that `airflow db migrate` made. The last run of `dag 0` is older.
insert into log_template (filename, elasticsearch_id, created_at) select 'f', 'e', now() where not exists (select from log_template);
insert into dag_bundle (name) values ('dags') on conflict do nothing;
insert into dag (dag_id, is_paused, is_stale, bundle_name, timetable_type, partition_mapper_info, max_active_tasks, max_consecutive_failed_dag_runs, has_task_concurrency_limits, last_parsed_time)
select 'dag ' || n, false, false, 'dags', 'cron', '{}', 16, 0, false, now() from generate_series(0, 4) as n;
insert into dag_version (id, version_number, dag_id, created_at, last_updated)
select gen_random_uuid(), 1, dag_id, now() - interval '1 year', now() from dag;
insert into job (state, job_type, start_date, latest_heartbeat, end_date)
select case when n % 6 = 0 then 'running' when n % 6 = 1 then 'failed' else 'success' end, 'SchedulerJob', now() - n * interval '1 day' - interval '3 hours', now() - n * interval '1 day' - interval '1 hour', now() - n * interval '1 day' - interval '1 hour'
from generate_series(1, 120) as n;
insert into dag_run (dag_id, run_id, run_type, state, run_after, start_date, end_date, log_template_id, created_dag_version_id)
select 'dag ' || n % 5, 'run ' || n, case when n % 3 = 0 then 'manual' else 'scheduled' end,
  case when n % 11 = 0 then 'queued' when n % 13 = 0 then 'failed' else 'success' end, now() - n * interval '1 day' - interval '90 minutes',
  case when n % 11 <> 0 then now() - n * interval '1 day' - interval '1 hour' end,
  case when n % 11 <> 0 then now() - n * interval '1 day' - interval '30 minutes' end, l.id, v.id
from generate_series(1, 130) as n join dag_version as v on v.dag_id = 'dag ' || n % 5, (select min(id) as id from log_template) as l where n % 5 <> 0 or n > 95;
insert into dag_run_note (dag_run_id, content, created_at, updated_at) select id, 'note', start_date, start_date from dag_run where start_date is not null;
insert into task_instance (id, task_id, dag_id, run_id, state, start_date, end_date, try_number, pool, pool_slots, dag_version_id, updated_at)
select gen_random_uuid(), 'task ' || k, dag_id, run_id, state, start_date + interval '1 minute', end_date, 1, 'default_pool', 1, created_dag_version_id, end_date
from dag_run, generate_series(1, 3) as k;
insert into task_instance_history (task_instance_id, task_id, dag_id, run_id, state, start_date, end_date, try_number, pool, pool_slots)
select gen_random_uuid(), task_id, dag_id, run_id, 'failed', start_date, end_date, 0, pool, 1 from task_instance where task_id = 'task 1';
insert into xcom (dag_run_id, task_id, key, dag_id, run_id, value, timestamp)
select r.id, t.task_id, 'return_value', t.dag_id, t.run_id, '1', t.end_date from task_instance as t join dag_run as r using (dag_id, run_id) where t.end_date is not null;
insert into rendered_task_instance_fields (dag_id, task_id, run_id, rendered_fields) select dag_id, task_id, run_id, '{}' from task_instance;
insert into task_reschedule (ti_id, start_date, end_date, duration, reschedule_date)
select id, start_date, end_date, 1, end_date from task_instance where task_id = 'task 2' and end_date is not null;
insert into log (dttm, dag_id, event) select now() - n * interval '1 day' - interval '1 hour', 'dag 1', 'success' from generate_series(1, 120) as n;
insert into import_error (timestamp, filename) select now() - n * interval '1 day' - interval '1 hour', 'f' from generate_series(60, 120) as n;
insert into asset (name, uri, "group", extra, created_at, updated_at) values ('a', 'a', 'asset', '{}', now(), now());
insert into asset_event (asset_id, extra, timestamp) select id, '{}', now() - n * interval '1 day' - interval '1 hour' from asset, generate_series(1, 120) as n;
insert into dagrun_asset_event (dag_run_id, event_id) select (select min(id) from dag_run), id from asset_event;
insert into revoked_token (jti, exp) select md5(n::text), now() - n * interval '1 day' - interval '1 hour' from generate_series(-3, 120) as n;
insert into callback (id, type, fetch_method, data, state, priority_weight, created_at)
select gen_random_uuid(), 'triggerer', 'import_path', '{}', (array['success', 'failed', 'running', 'pending'])[1 + n % 4], 1, now() - n * interval '1 day' - interval '1 hour' from generate_series(60, 120) as n;
analyze;
