import type { TestDatabase } from '../database.ts';
import { AGES, BACKGROUND_AGES } from './history.ts';

/** Moves runs into the past with everything that hangs on them, and makes what the API does not let anybody make. */
export async function ageHistory(database: TestDatabase): Promise<void> {
  await database.rows(AGE_RUNS, [JSON.stringify(AGES)]);
  await database.rows(`update flow_run set end_time = null where name = 'endless'`);
  await ageBackground(database);
  await database.rows(AGE_EVENTS);
  await database.rows(`
    insert into task_run_state_cache (cache_key, cache_expiration, task_run_state_id)
    select 'of ' || t.name, now() + t.hours * interval '1 hour', s.id
    from (select id, name, case name when 'background-inside' then -1 else 1 end as hours from task_run) as t
    join task_run_state as s on s.task_run_id = t.id and s.type = 'COMPLETED'
    where t.name like 'background-%'`);
  // A line can be written, or arrive, long after its run has ended.
  await database.rows(`
    update log
    set timestamp = now() - interval '1 day'
    where level = 30 and flow_run_id = (select id from flow_run where name = 'late-lines')`);
  await database.rows(`
    update artifact
    set created = now() - interval '2 days', updated = now() - interval '2 days'
    where key = 'orphaned'`);
  // A collection copies the times of its artifact.
  await database.rows(`
    update artifact_collection as c
    set created = a.created, updated = a.updated
    from artifact as a
    where a.id = c.latest_id`);
  // As Prefect's own vacuum leaves collections behind when it is killed.
  await database.rows(`
    delete from artifact
    where id in (select latest_id from artifact_collection where key in ('stale-moves', 'stale-ends'))`);
}

async function ageBackground(database: TestDatabase): Promise<void> {
  for (const [name, age] of Object.entries(BACKGROUND_AGES)) {
    const of = '(select id from task_run where name = $1)';
    await database.rows(
      `update task_run
       set
         created = created - $2::interval, updated = updated - $2::interval, end_time = end_time - $2::interval,
         start_time = start_time - $2::interval, state_timestamp = state_timestamp - $2::interval
       where name = $1`,
      [name, age],
    );
    for (const [table, column] of [
      ['task_run_state', 'timestamp'],
      ['log', 'timestamp'],
      ['artifact', 'updated'],
    ] as const) {
      await database.rows(
        `update ${table} set created = created - $2::interval, ${column} = ${column} - $2::interval where task_run_id = ${of}`,
        [name, age],
      );
    }
  }
}

/** The events of one run, with what they are about. */
const AGE_EVENTS = `
  with aged as (
    update events
    set occurred = occurred - interval '200 days'
    where resource_id = 'prefect.flow-run.' || (select id from flow_run where name = 'daily-oldest')
    returning id)
  update event_resources
  set occurred = occurred - interval '200 days'
  where event_id in (select id from aged)`;

const AGE_RUNS = `
  with
    aged as (
      select f.id, coalesce(f.end_time, f.created) - (now() - wish.age::interval) as back
      from jsonb_each_text($1) as wish(name, age)
      join flow_run as f on f.name = wish.name),
    run as (
      update flow_run as t
      set
        created = created - back, updated = updated - back, state_timestamp = state_timestamp - back,
        start_time = start_time - back, end_time = end_time - back, expected_start_time = expected_start_time - back
      from aged
      where t.id = aged.id),
    run_state as (
      update flow_run_state as t
      set created = created - back, updated = updated - back, timestamp = timestamp - back
      from aged
      where t.flow_run_id = aged.id),
    aged_task as (
      update task_run as t
      set
        created = created - back, updated = updated - back, state_timestamp = state_timestamp - back,
        start_time = start_time - back, end_time = end_time - back, expected_start_time = expected_start_time - back
      from aged
      where t.flow_run_id = aged.id
      returning t.id, back),
    task_state as (
      update task_run_state as t
      set created = created - back, updated = updated - back, timestamp = timestamp - back
      from aged_task
      where t.task_run_id = aged_task.id),
    line as (
      update log as t
      set created = created - back, updated = updated - back, timestamp = timestamp - back
      from aged
      where t.flow_run_id = aged.id)
  update artifact as t
  set created = created - back, updated = updated - back
  from aged
  where t.flow_run_id = aged.id`;
