import type pg from 'pg';

/** How many events to fill in, each with three resources. */
export interface FillEventsOptions {
  /** Between 8 and 60 days old. */
  readonly old: number;
  /** Up to 6 days old. */
  readonly young: number;
}

/** Fills in events of state changes, every tenth a heartbeat, in the order of time; a hundredth of the resources is lost. */
export async function fillEvents(client: pg.ClientBase, { old, young }: FillEventsOptions): Promise<void> {
  await client.query(
    `create temp table fill_event as
     select
       n, gen_random_uuid() as id, case when n % 10 = 0 then 'prefect.flow-run.heartbeat' else 'prefect.flow-run.Running' end as event,
       now() - case
         when n <= $1::int then interval '8 days' + interval '52 days' * ($1::int - n) / greatest(1, $1::int)
         else interval '6 days' * ($1::int + $2::int - n) / greatest(1, $2::int)
       end as t
     from generate_series(1, $1::int + $2::int) as n`,
    [old, young],
  );
  await client.query(`
    insert into events (
      id, occurred, event, resource_id, resource, related_resource_ids, related, payload, received, recorded, created, updated)
    select
      id, t, event, 'prefect.flow-run.' || n, jsonb_build_object('prefect.resource.id', 'prefect.flow-run.' || n),
      '["prefect.flow.1"]', '[{"prefect.resource.id": "prefect.flow.1"}]', '{"intended": {"to": "RUNNING"}}', t, t, t, t
    from fill_event
    order by n`);
  await client.query(`
    insert into event_resources (occurred, resource_id, resource_role, resource, event_id, created, updated)
    select t, 'prefect.resource.' || r, '', '{}', case when n % 100 = 3 then gen_random_uuid() else id end, t, t
    from fill_event
    cross join generate_series(1, 3) as r
    order by n, r`);
  await client.query('drop table fill_event');
}
