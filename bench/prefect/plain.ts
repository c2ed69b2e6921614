import type { CutOffs } from '../contenders/prefect-vacuum.ts';

/** Plain statements that leave the rows that Prefect's own vacuum leaves, in dependency order. */
export function plainStatements({ runs, events, heartbeats }: CutOffs): string[] {
  const over = `state_type in ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED') and end_time < now() - interval '${runs} days'`;
  const heartbeat = `event = 'prefect.flow-run.heartbeat' and occurred < now() - interval '${heartbeats} days'`;
  const old = `occurred < now() - interval '${events} days'`;
  const orphaned = `flow_run_id is not null and not exists (select from flow_run where flow_run.id = flow_run_id)`;
  const stale = 'not exists (select from artifact as a where a.id = c.latest_id)';
  return [
    `create table old_run as
     with recursive old as (
       select id from flow_run where parent_task_run_id is null and ${over}
       union all
       select f.id
       from old
       join task_run as t on t.flow_run_id = old.id
       join flow_run as f on f.parent_task_run_id = t.id
       where f.${over.replace('end_time', 'f.end_time')})
     select id from old`,
    'analyze old_run',
    'delete from log where flow_run_id in (select id from old_run)',
    'delete from flow_run where id in (select id from old_run)',
    'delete from artifact where flow_run_id in (select id from old_run)',
    'drop table old_run',
    `delete from event_resources where ${old}`,
    `delete from event_resources where event_id in (select id from events where ${heartbeat})`,
    `delete from events where ${old} or (${heartbeat})`,
    `delete from log where ${orphaned}`,
    `delete from artifact where ${orphaned}`,
    `update artifact_collection as c
     set
       latest_id = n.id, data = n.data, description = n.description, type = n.type, created = n.created,
       updated = n.updated, flow_run_id = n.flow_run_id, task_run_id = n.task_run_id, metadata_ = n.metadata_
     from (select distinct on (key) * from artifact where key is not null order by key, created desc) as n
     where n.key = c.key and ${stale}`,
    `delete from artifact_collection as c where ${stale}`,
  ];
}
