import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ReportedPass, ReportedRun, ReportedSize } from '../../../stored/report.ts';
import type { PassStatus } from '../../../stored/run.ts';
import type { ReportStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';
import { selectTotals, WAS_TRANSACTION } from './totals.ts';

/** What runs did. */
export class PostgresReportStore extends LedgerPart implements ReportStore {
  async readRun(run: number): Promise<ReportedRun | undefined> {
    const [found] = await this.#readRuns(sql`where id = ${run}`);
    return found;
  }

  async readRuns(policy: string | undefined, limit: number): Promise<ReportedRun[]> {
    const where = policy === undefined ? sql`` : sql`where policy = ${policy}`;
    return this.#readRuns(sql`${where} order by id desc limit ${limit}`);
  }

  async readLastRuns(policies: readonly string[]): Promise<ReportedRun[]> {
    const ended = sql`
      from ${this.table('run')}
      where mode = 'execute' and ended_at is not null and policy = any(${[...policies]}::text[])`;
    return this.#readRuns(sql`
      where id in (
        select max(id) ${ended} group by policy
        union all
        select max(id) ${ended} and status = 'completed' group by policy)
      order by id desc`);
  }

  async readPasses(runs: readonly number[]): Promise<ReportedPass[]> {
    const open = sql`select id from ${this.table('run')} where id = any(${[...runs]}::int[]) and ended_at is null`;
    const { rows } = await sql<ReportedPass>`
      select
        p.run_id as run,
        p.ordinal,
        p.name,
        p.kind,
        case when t.pass is null then p.status else 'running' end as status,
        p.scan,
        jsonb_array_length(p.shards) as shards,
        coalesce(t.batches, p.batches) as batches,
        coalesce(t.rows, p.rows) as rows,
        coalesce(t.deleted, p.deleted) as deleted,
        coalesce(t.moved, p.moved) as moved,
        coalesce(t.skipped, p.skipped) as skipped,
        coalesce(t.held, p.held) as held,
        coalesce(t.blocked, p.blocked) as blocked,
        coalesce(t.reported, p.reported) as reported,
        coalesce(t.bytes, p.bytes) as bytes,
        p.backlog,
        coalesce(t.files, p.files) as files,
        coalesce(t.millis, p.millis) as millis,
        p.error,
        p.estimate,
        to_json(p.horizon) #>> '{}' as horizon,
        t.longest
      from ${this.table('pass')} as p
      left join (${selectTotals(this.connection, open)}) as t on t.run_id = p.run_id and t.pass = p.ordinal
      where p.run_id = any(${[...runs]}::int[])
      order by p.run_id, p.ordinal`.execute(this.db);
    return rows.map((row) => ({ ...row, horizon: toIso(row.horizon) }));
  }

  async readSizes(runs: readonly number[]): Promise<ReportedSize[]> {
    const { rows } = await sql<ReportedSize>`
      select run_id as run, moment, pass, measured
      from ${this.table('size')}
      where run_id = any(${[...runs]}::int[])
      order by run_id, label`.execute(this.db);
    return rows;
  }

  async foldTotals(
    run: number,
    passes: readonly { readonly status: PassStatus; readonly error?: string }[],
    longestMillis: number,
  ): Promise<void> {
    const statuses = JSON.stringify(
      passes.map(({ status, error }, ordinal) => ({ ordinal, status, error: error ?? null })),
    );
    await sql`
      update ${this.table('pass')} as p
      set
        status = coalesce(s.status, case when t.pass is null then p.status else 'unfinished' end),
        error = s.error,
        batches = coalesce(t.batches, 0),
        rows = coalesce(t.rows, 0),
        moved = coalesce(t.moved, 0),
        skipped = coalesce(t.skipped, 0),
        held = coalesce(t.held, 0),
        blocked = coalesce(t.blocked, 0),
        bytes = coalesce(t.bytes, 0),
        files = coalesce(t.files, 0),
        deleted = coalesce(t.deleted, '{}'),
        reported = t.reported,
        millis = coalesce(t.millis, 0)
      from ${this.table('pass')} as o
      left join (${selectTotals(this.connection, sql`${run}::int`)}) as t on t.pass = o.ordinal
      left join jsonb_to_recordset(${statuses}::jsonb) as s(ordinal int, status text, error text)
        on s.ordinal = o.ordinal
      where p.run_id = ${run} and o.run_id = p.run_id and o.ordinal = p.ordinal`.execute(this.db);
    await sql`
      update ${this.table('run')}
      set longest_transaction_millis = greatest(
        nullif(${longestMillis}::float8, 0),
        (select max(millis) from ${this.table('batch')} where run_id = ${run} and ${WAS_TRANSACTION}))
      where id = ${run}`.execute(this.db);
  }

  async #readRuns(which: RawBuilder<unknown>): Promise<ReportedRun[]> {
    const { rows } = await sql<ReportedRun>`
      select
        id as run, policy, mode, status, reasons, notes,
        to_json(started_at) #>> '{}' as "startedAt",
        to_json(ended_at) #>> '{}' as "endedAt",
        round(1000 * extract(epoch from coalesce(ended_at, clock_timestamp()) - started_at))::float8 as millis,
        longest_transaction_millis as "longestTransactionMillis"
      from ${this.table('run')}
      ${which}`.execute(this.db);
    return rows.map((row) => ({
      ...row,
      startedAt: new Date(row.startedAt).toISOString(),
      endedAt: toIso(row.endedAt),
    }));
  }
}

function toIso(instant: string | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
