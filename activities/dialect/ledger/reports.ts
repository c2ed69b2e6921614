import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ReportedPass, ReportedRows, ReportedRun, ReportedSize } from '../../stored/report.ts';
import type { PassStatus } from '../../stored/run.ts';
import type { ReportStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';
import { sum, sumReported } from './sum-reported.ts';

/** The totals of a pass, from its batches. */
interface Totals extends Pick<
  ReportedPass,
  | 'run'
  | 'batches'
  | 'rows'
  | 'moved'
  | 'skipped'
  | 'held'
  | 'blocked'
  | 'bytes'
  | 'files'
  | 'longest'
  | 'millis'
  | 'deleted'
  | 'reported'
> {
  readonly pass: number;
}

type JsonColumns = 'deleted' | 'reported' | 'backlog' | 'horizon' | 'shards';
type PassRow = Omit<ReportedPass, JsonColumns | 'longest'> & Readonly<Record<JsonColumns, unknown>>;

/** What runs did. */
export class SqlReportStore implements ReportStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async readRun(run: number): Promise<ReportedRun | undefined> {
    const [found] = await this.#readRuns(sql`where id = ${run}`);
    return found;
  }

  async readRuns(policy: string | undefined, limit: number): Promise<ReportedRun[]> {
    const where = policy === undefined ? sql`` : sql`where policy = ${policy}`;
    return this.#readRuns(sql`${where} order by id desc limit ${limit}`);
  }

  async readLastRuns(policies: readonly string[]): Promise<ReportedRun[]> {
    if (policies.length === 0) return [];
    const ended = sql`
      from ${this.#sql.table('run')}
      where mode = 'execute' and ended_at is not null and policy in (${sql.join(policies)})`;
    return this.#readRuns(sql`
      where id in (
        select max(id) ${ended} group by policy
        union all
        select max(id) ${ended} and status = 'completed' group by policy)
      order by id desc`);
  }

  async readPasses(runs: readonly number[]): Promise<ReportedPass[]> {
    if (runs.length === 0) return [];
    const list = sql`(${sql.join(runs)})`;
    const totals = await this.#readTotals(
      sql`(select id from ${this.#sql.table('run')} where id in ${list} and ended_at is null)`,
    );
    const rows = await this.#sql.rows(sql<PassRow>`
      select
        run_id as run, ordinal, name, kind, status, scan, shards, batches, rows, deleted, moved, skipped, held, blocked,
        reported, bytes, backlog, files, millis, error, estimate, ${this.#sql.selectInstant('horizon')} as horizon
      from ${this.#sql.table('pass')}
      where run_id in ${list}
      order by run_id, ordinal`);
    return rows.map((row) => {
      const own = totals.find(({ run, pass }) => run === row.run && pass === row.ordinal);
      const { run: _run, pass: _pass, ...counted } = own ?? { run: 0, pass: 0 };
      return {
        ...row,
        shards: this.#sql.parse<readonly unknown[]>(row.shards).length,
        deleted: this.#sql.parse<Record<string, number>>(row.deleted),
        reported: this.#sql.parse<ReportedRows | null>(row.reported),
        backlog: this.#sql.parse<ReportedPass['backlog']>(row.backlog),
        horizon: this.#toIso(row.horizon),
        longest: null,
        ...counted,
        status: own === undefined ? row.status : 'running',
      } satisfies ReportedPass;
    });
  }

  async readSizes(runs: readonly number[]): Promise<ReportedSize[]> {
    if (runs.length === 0) return [];
    const rows = await this.#sql.rows(sql<Omit<ReportedSize, 'measured'> & { readonly measured: unknown }>`
      select run_id as run, moment, pass, measured
      from ${this.#sql.table('size')}
      where run_id in (${sql.join(runs)})
      order by run_id, label`);
    return rows.map((row) => ({ ...row, measured: this.#sql.parse(row.measured) }));
  }

  async foldTotals(
    run: number,
    passes: readonly { readonly status: PassStatus; readonly error?: string }[],
    longestMillis: number,
  ): Promise<void> {
    const totals = await this.#readTotals(sql`(${run})`);
    const ordinals = await this.#sql.rows(sql<{ ordinal: number }>`
      select ordinal from ${this.#sql.table('pass')} where run_id = ${run}`);
    for (const { ordinal } of ordinals) {
      const own = totals.find(({ pass }) => pass === ordinal);
      const { status = own === undefined ? null : 'unfinished', error = null } = passes[ordinal] ?? {};
      await this.#sql.change(sql`
        update ${this.#sql.table('pass')}
        set
          status = coalesce(${status}, status), error = ${error},
          batches = ${own?.batches ?? 0}, rows = ${own?.rows ?? 0}, moved = ${own?.moved ?? 0},
          skipped = ${own?.skipped ?? 0}, held = ${own?.held ?? 0}, blocked = ${own?.blocked ?? 0},
          bytes = ${own?.bytes ?? 0}, files = ${own?.files ?? 0}, millis = ${own?.millis ?? 0},
          deleted = ${this.#sql.json(own?.deleted ?? {})}, reported = ${this.#sql.json(own?.reported ?? undefined)}
        where run_id = ${run} and ordinal = ${ordinal}`);
    }
    const longest = Math.max(longestMillis, ...totals.map((one) => one.longest ?? 0));
    await this.#sql.change(sql`
      update ${this.#sql.table('run')}
      set longest_transaction_millis = ${longest === 0 ? null : longest}
      where id = ${run}`);
  }

  /** The totals of the passes of some runs that have batches. */
  async #readTotals(runs: RawBuilder<unknown>): Promise<Totals[]> {
    const batch = this.#sql.table('batch');
    const at = this.#sql.millis(sql`b.at`);
    // Tables that a pass worked on outside of any transaction stand as batches of size 0.
    const rows = await this.#sql.rows(sql<Omit<Totals, 'rows' | 'deleted' | 'reported'>>`
      select
        b.run_id as run, b.pass, cast(count(*) as integer) as batches, sum(b.moved) as moved,
        sum(b.skipped) as skipped, sum(b.bytes) as bytes, sum(b.files) as files,
        max(case when b.size > 0 then b.millis end) as longest, max(${at}) - min(${at} - b.millis) as millis,
        (
          -- Rows nested in others are scanned level after level, and the same holds are met in each scan.
          select max(w.held)
          from (
            select sum(i.held) as held
            from ${batch} as i
            where i.run_id = b.run_id and i.pass = b.pass
            group by i.round
          ) as w
        ) as held,
        (
          -- A row that another round deletes was not kept: the last one tells.
          select sum(i.blocked)
          from ${batch} as i
          where
            i.run_id = b.run_id and i.pass = b.pass
            and i.round = (select max(l.round) from ${batch} as l where l.run_id = b.run_id and l.pass = b.pass)
        ) as blocked
      from ${batch} as b
      where b.run_id in ${runs}
      group by b.run_id, b.pass`);
    if (rows.length === 0) return [];
    const deleted = await this.#sql.rows(sql<{ run: number; pass: number; label: string; rows: number }>`
      select b.run_id as run, b.pass, d.key as label, sum(cast(d.value as float8)) as rows
      from ${batch} as b
      cross join ${this.#sql.members('b.deleted')} as d
      where b.run_id in ${runs}
      group by b.run_id, b.pass, d.key`);
    const reported = await this.#sql.rows(sql<{ run: number; pass: number; reported: unknown }>`
      select run_id as run, pass, reported from ${batch} where run_id in ${runs} and reported is not null`);
    return rows.map((row) => {
      const isOwn = (one: { readonly run: number; readonly pass: number }): boolean =>
        one.run === row.run && one.pass === row.pass;
      const counts = deleted.filter(isOwn);
      return {
        ...row,
        // Not of another statement: a batch may have been committed between the two.
        rows: sum(counts.map((one) => one.rows)),
        deleted: Object.fromEntries(counts.map((one) => [one.label, one.rows])),
        reported: sumReported(
          reported.filter(isOwn).map((one) => this.#sql.parse<ReportedRows>(one.reported)),
        ),
      };
    });
  }

  async #readRuns(which: RawBuilder<unknown>): Promise<ReportedRun[]> {
    type Columns = 'reasons' | 'notes' | 'startedAt' | 'endedAt';
    const [started, ended] = [this.#sql.millis(sql`started_at`), this.#sql.millis(sql`ended_at`)];
    const rows = await this.#sql.rows(sql<Omit<ReportedRun, Columns> & Readonly<Record<Columns, unknown>>>`
      select
        id as run, policy, mode, status, reasons, notes,
        ${this.#sql.selectInstant('started_at')} as "startedAt", ${this.#sql.selectInstant('ended_at')} as "endedAt",
        round(coalesce(${ended}, ${this.#sql.millis(this.#sql.now())}) - ${started}) as millis,
        longest_transaction_millis as "longestTransactionMillis"
      from ${this.#sql.table('run')}
      ${which}`);
    return rows.map((row) => ({
      ...row,
      reasons: this.#sql.parse(row.reasons),
      notes: this.#sql.parse(row.notes),
      startedAt: this.#toIso(row.startedAt) ?? '',
      endedAt: this.#toIso(row.endedAt),
    }));
  }

  #toIso(instant: unknown): string | null {
    return instant === null ? null : new Date(this.#sql.toIso(instant)).toISOString();
  }
}
