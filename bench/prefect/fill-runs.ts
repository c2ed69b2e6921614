import type { ClientBase } from 'pg';

/** Flow runs, task runs and states as {@link planRows} drew them up, each table in the order of time. */
export async function fillRuns(client: ClientBase): Promise<void> {
  await client.query(`insert into flow (name) select 'flow-' || n from generate_series(0, 19) as n`);
  await client.query(`
    insert into flow_run (
      id, created, updated, name, flow_id, deployment_id, state_id, state_type, state_name, state_timestamp, start_time,
      end_time, expected_start_time, total_run_time, run_count, parent_task_run_id, parameters, tags, auto_scheduled,
      idempotency_key, work_queue_name, created_by, labels, empirical_policy)
    select
      r.id, r.started - interval '10 seconds', s.t, 'industrious-capybara-' || r.n, f.id,
      md5('deployment-' || r.n % 200)::uuid, s.state, r.state, s.name, s.t,
      case when s.s > 2 then r.started end,
      case when s.s = 4 and r.state <> 'PAUSED' and not r.endless then r.ended end, r.started,
      case when s.s = 4 then r.ended - r.started else '0' end, 1, p.id,
      jsonb_build_object('source', 's3://warehouse/incoming/part-' || r.n || '.parquet', 'limit', r.n, 'dry', false),
      jsonb_build_array('nightly', 'team-' || r.n % 7), r.n % 2 = 1,
      case when r.n % 2 = 1 then 'scheduled ' || r.id end, 'default',
      '{"id": "7b8a6b0e-5a4f-4a6c-9d3e-0d8a3b1c2f4e", "type": "SCHEDULE", "display_value": "0 * * * *"}',
      jsonb_build_object('prefect.flow.id', f.id, 'prefect.worker.name', 'worker-' || r.n % 3),
      '{"retries": 0, "retry_delay": 0, "max_retries": 0, "retry_delay_seconds": 0.0, "pause_keys": [], "resuming": false}'
    from fill.run as r
    join flow as f on f.name = 'flow-' || r.n % 20
    join lateral (select * from fill.state as s where s.n = r.n order by s desc limit 1) as s on true
    left join fill.task as p on p.n = r.parent and p.k = 1
    order by r.n`);
  await client.query(`
    insert into flow_run_state (id, created, updated, flow_run_id, type, timestamp, name, message, state_details)
    select
      state, t, t, run, type, t, name, case when s = 4 then 'All states completed.' else '' end,
      jsonb_build_object('flow_run_id', run, 'transition_id', state, 'untrackable_result', false, 'pause_reschedule', false)
    from fill.state`);
  await client.query(`
    insert into task_run (
      id, created, updated, name, flow_run_id, task_key, dynamic_key, state_id, state_type, state_name, state_timestamp,
      start_time, end_time, expected_start_time, total_run_time, run_count, flow_run_run_count, task_inputs, labels,
      empirical_policy)
    select
      t.id, t.started, t.ended, 'transform-' || t.k, t.run, 'transform-' || left(md5(t.k::text), 8), t.k::text, null,
      'COMPLETED', 'Completed', t.ended, t.started, t.ended, t.started, t.ended - t.started, 1, 1,
      '{"rows": [{"input_type": "task_run"}], "path": [], "retries": []}',
      jsonb_build_object('prefect.flow-run.id', t.run),
      '{"retries": 2, "retry_delay": 10, "max_retries": 2, "retry_delay_seconds": 10.0, "retry_jitter_factor": null}'
    from fill.task as t`);
  await client.query(`
    insert into task_run_state (
      id, created, updated, task_run_id, type, timestamp, name, message, state_details, result_artifact_id)
    select
      state, t, t, task, type::state_type, t, initcap(type), '',
      jsonb_build_object('flow_run_id', run, 'task_run_id', task, 'transition_id', null, 'untrackable_result', false),
      case when s = 3 then result end
    from fill.task_state`);
}
