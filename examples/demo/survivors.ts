import { printTable } from '../../worker/cli/output.ts';
import type { DemoDatabase } from './database.ts';

/** Written so that PostgreSQL and SQLite take it, where an instant is text: an instant as both compare it with a column. */
const daysAgo = (days: number): string =>
  `'${new Date(Date.now() - days * 24 * 3600 * 1000).toISOString().replace('T', ' ').replace('Z', '+00')}'`;

/** Prints why rows are still there, worked out from the rows alone. */
export async function printSurvivors(database: DemoDatabase): Promise<void> {
  const rows = await database.rows<{ reason: string; rows: number }>(`
    select
      case
        when parent_task_run_id is not null then 'flow run: subflow of one that stays'
        when state_type not in ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')
          then 'flow run: not terminal, ' || lower(cast(state_type as varchar(20)))
        when end_time is null then 'flow run: terminal without an end time'
        when end_time >= ${daysAgo(90)} then 'flow run: ended within the retention of 90 days'
        else 'flow run: should be gone'
      end as reason,
      cast(count(*) as integer) as rows
    from flow_run
    group by 1
    union all
    select
      case
        when flow_run_id is null then 'log: names no run'
        when exists (select 1 from flow_run where id = flow_run_id) then 'log: of a run that stays'
        when timestamp >= ${daysAgo(1)} then 'log: its run may still become visible (grace of 1 day)'
        else 'log: should be gone'
      end,
      cast(count(*) as integer)
    from log
    group by 1
    order by 1`);
  printTable(
    ['reason', 'rows'],
    rows.map(({ reason, rows: count }) => [reason, count]),
  );
}
