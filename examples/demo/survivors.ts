import type { Client } from 'pg';

import { printTable } from '../../worker/cli/output.ts';

const REASONS = `
  select
    case
      when parent_task_run_id is not null then 'flow run: subflow of one that stays'
      when state_type not in ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')
        then 'flow run: not terminal, ' || lower(state_type::text)
      when end_time is null then 'flow run: terminal without an end time'
      when end_time >= now() - interval '90 days' then 'flow run: ended within the retention of 90 days'
      else 'flow run: should be gone'
    end as reason,
    count(*)::int as rows
  from flow_run
  group by reason
  union all
  select
    case
      when flow_run_id is null then 'log: names no run'
      when exists (select from flow_run where id = flow_run_id) then 'log: of a run that stays'
      when timestamp >= now() - interval '1 day' then 'log: its run may still become visible (grace of 1 day)'
      else 'log: should be gone'
    end,
    count(*)::int
  from log
  group by 1
  order by 1`;

/** Prints why rows are still there, worked out from the rows alone. */
export async function printSurvivors(client: Client): Promise<void> {
  const { rows } = await client.query<{ reason: string; rows: number }>(REASONS);
  printTable(
    ['reason', 'rows'],
    rows.map(({ reason, rows: count }) => [reason, count]),
  );
}
