import type { ClientBase } from 'pg';

/**
 * An event for every state, under the state's id as the server does it, a heartbeat every 300 s of a run, and an event
 * of somebody's own for every second run; each with its resources.
 */
export async function fillEvents(client: ClientBase): Promise<void> {
  await client.query(`
    create unlogged table fill.event as
    select *
    from (
      select state as id, t, 'prefect.flow-run.' || name as event, n, run, null::uuid as task from fill.state
      union all
      select state, t, 'prefect.task-run.' || initcap(type), n, run, task from fill.task_state
      union all
      select fill.time_uuid(t), t, 'prefect.flow-run.heartbeat', n, id, null
      from fill.run
      cross join generate_series(1, seconds / 300) as s
      cross join lateral (select started + s * interval '300 seconds' as t) as at
      where t < now() - interval '7 days 2 minutes' or t > now() - interval '6 days 18 hours'
      union all
      select fill.time_uuid(ended), ended, 'acme.order.paid', n, id, null from fill.run where n % 2 = 0) as e
    order by t`);
  await client.query(`
    insert into events (
      id, created, updated, occurred, event, resource_id, resource, related_resource_ids, related, payload, received,
      recorded, follows)
    select
      e.id, t, t, t, event, resource,
      jsonb_build_object(
        'prefect.resource.id', resource, 'prefect.resource.name', 'industrious-capybara-' || n, 'prefect.run-count', '1',
        'prefect.state-message', '', 'prefect.state-name', 'Running', 'prefect.state-timestamp', t),
      jsonb_build_array(${RELATED.map(([id]) => id).join(', ')}),
      jsonb_build_array(${RELATED.map(([id, role]) => eventResource(id, role)).join(', ')}),
      case
        when event like '%heartbeat' then '{}'
        when task is null then jsonb_build_object(
          'intended', jsonb_build_object('from', 'PENDING', 'to', 'RUNNING'),
          'initial_state', jsonb_build_object('type', 'PENDING', 'name', 'Pending'),
          'validated_state', jsonb_build_object('type', 'RUNNING', 'name', 'Running', 'message', ''))
        else jsonb_build_object(
          'intended', jsonb_build_object('from', 'PENDING', 'to', 'RUNNING'),
          'initial_state', jsonb_build_object('type', 'PENDING', 'name', 'Pending', 'state_details', '{}'::jsonb),
          'validated_state', jsonb_build_object('type', 'RUNNING', 'name', 'Running', 'state_details', '{}'::jsonb),
          'task_run', jsonb_build_object(
            'name', 'transform-1', 'task_key', 'transform', 'dynamic_key', '1', 'tags', '[]'::jsonb,
            'labels', jsonb_build_object('prefect.flow-run.id', run), 'run_count', 1, 'flow_run_id', run,
            'task_inputs', '{"rows": [{"input_type": "task_run"}], "path": []}'::jsonb, 'estimated_run_time', 0.0,
            'expected_start_time', t, 'start_time', t, 'cache_key', null, 'cache_expiration', null, 'task_version', null,
            'total_run_time', 0.0, 'estimated_start_time_delta', 0.0, 'flow_run_run_count', 1,
            'empirical_policy', '{"retries": 2, "max_retries": 2, "retry_delay": 10}'::jsonb))
      end,
      t, t, null
    from fill.event as e
    cross join lateral (${RESOURCE}) as own`);
  await client.query(`
    insert into event_resources (occurred, resource_id, resource_role, resource, event_id, created, updated)
    select t, r.id, r.role, json_build_object(
        'prefect.resource.id', r.id, 'prefect.resource.role', r.role, 'prefect.resource.name',
        'industrious-capybara-' || n),
      e.id, t, t
    from fill.event as e
    cross join lateral (${RESOURCE}) as own
    cross join lateral (
      select resource as id, '' as role
      ${RELATED.map(([id, role]) => `union all select ${id}, '${role}'`).join('\n')}
      union all
      select 'prefect.work-pool.default', 'work-pool' where event like '%heartbeat') as r`);
}

const RESOURCE = `
  select case when task is null then 'prefect.flow-run.' || run else 'prefect.task-run.' || task end as resource`;

/** What an event is about besides its own resource: SQL for the id, and the role. */
const RELATED = [
  [`'prefect.flow.' || md5((n % 20)::text)::uuid`, 'flow'],
  [`'prefect.deployment.' || md5('deployment-' || n % 200)::uuid`, 'deployment'],
] as const;

function eventResource(id: string, role: string): string {
  return `jsonb_build_object('prefect.resource.id', ${id}, 'prefect.resource.role', '${role}')`;
}
