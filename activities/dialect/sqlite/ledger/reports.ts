import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ReportedPass, ReportedRows, ReportedRun, ReportedSize } from '../../../stored/report.ts';
import type { PassStatus } from '../../../stored/run.ts';
import type { ReportStore } from '../../ledger-store.ts';
import { LedgerPart, parseJson, parseJsonOrNull, toIso, toIsoOrNull } from './ledger-part.ts';
import { sumReported } from './totals.ts';

/** The totals of a pass, from its batches. */
interface Totals {
  readonly run: number;
  readonly pass: number;
  readonly batches: number;
  readonly rows: number;
  readonly moved: number;
  readonly skipped: number;
  readonly held: number;
  readonly blocked: number;
  readonly bytes: number;
  readonly files: number;
  readonly longest: number | null;
  readonly millis: number;
  readonly deleted: Record<string, number>;
  readonly reported: ReportedRows | null;
}

type JsonColumns = 'deleted' | 'reported' | 'backlog' | 'horizon';
type PassRow = Omit<ReportedPass, JsonColumns | 'longest'> & {
  readonly deleted: string;
  readonly reported: string | null;
  readonly backlog: string | null;
  readonly horizon: number | null;
};

/** What runs did. */
export class SqliteReportStore extends LedgerPart implements ReportStore {
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
      where mode = 'execute' and ended_at is not null and policy in (select value from json_each(${JSON.stringify(policies)}))`;
    return this.#readRuns(sql`
      where id in (
        select max(id) ${ended} group by policy
        union all
        select max(id) ${ended} and status = 'completed' group by policy)
      order by id desc`);
  }

  async readPasses(runs: readonly number[]): Promise<ReportedPass[]> {
    const list = sql`(select value from json_each(${JSON.stringify(runs)}))`;
    const totals = await this.#readTotals(
      sql`(select id from ${this.table('run')} where id in ${list} and ended_at is null)`,
    );
    const rows = await this.rows(sql<PassRow>`
      select
        run_id as run, ordinal, name, kind, status, scan, json_array_length(shards) as shards, batches, rows, deleted,
        moved, skipped, held, blocked, reported, bytes, backlog, files, millis, error, estimate, horizon
      from ${this.table('pass')}
      where run_id in ${list}
      order by run_id, ordinal`);
    return rows.map((row) => {
      const own = totals.find(({ run, pass }) => run === row.run && pass === row.ordinal);
      const { run: _run, pass: _pass, ...counted } = own ?? { run: 0, pass: 0 };
      return {
        ...row,
        deleted: parseJson<Record<string, number>>(row.deleted),
        reported: parseJsonOrNull<ReportedRows>(row.reported),
        backlog: parseJsonOrNull(row.backlog),
        horizon: toIsoOrNull(row.horizon),
        longest: null,
        ...counted,
        status: own === undefined ? row.status : 'running',
      } satisfies ReportedPass;
    });
  }

  async readSizes(runs: readonly number[]): Promise<ReportedSize[]> {
    const rows = await this.rows(sql<Omit<ReportedSize, 'measured'> & { readonly measured: string }>`
      select run_id as run, moment, pass, measured
      from ${this.table('size')}
      where run_id in (select value from json_each(${JSON.stringify(runs)}))
      order by run_id, label`);
    return rows.map((row) => ({ ...row, measured: parseJson(row.measured) }));
  }

  async foldTotals(
    run: number,
    passes: readonly { readonly status: PassStatus; readonly error?: string }[],
    longestMillis: number,
  ): Promise<void> {
    const totals = await this.#readTotals(sql`(${run})`);
    const ordinals = await this.rows(sql<{ ordinal: number }>`
      select ordinal from ${this.table('pass')} where run_id = ${run}`);
    for (const { ordinal } of ordinals) {
      const own = totals.find(({ pass }) => pass === ordinal);
      const { status = own === undefined ? null : 'unfinished', error = null } = passes[ordinal] ?? {};
      await this.change(sql`
        update ${this.table('pass')}
        set
          status = coalesce(${status}, status), error = ${error},
          batches = ${own?.batches ?? 0}, rows = ${own?.rows ?? 0}, moved = ${own?.moved ?? 0},
          skipped = ${own?.skipped ?? 0}, held = ${own?.held ?? 0}, blocked = ${own?.blocked ?? 0}, bytes = ${own?.bytes ?? 0},
          files = ${own?.files ?? 0}, millis = ${own?.millis ?? 0},
          deleted = ${JSON.stringify(own?.deleted ?? {})},
          reported = ${own?.reported == null ? null : JSON.stringify(own.reported)}
        where run_id = ${run} and ordinal = ${ordinal}`);
    }
    const longest = Math.max(longestMillis, ...totals.map((one) => one.longest ?? 0));
    await this.change(sql`
      update ${this.table('run')}
      set longest_transaction_millis = ${longest === 0 ? null : longest}
      where id = ${run}`);
  }

  /** The totals of the passes of some runs that have batches. */
  async #readTotals(runs: RawBuilder<unknown>): Promise<Totals[]> {
    const batch = this.table('batch');
    // Rows nested in others are scanned level after level, and the same holds are met in each scan. Tables that a pass worked
    // on outside of any transaction stand as batches of size 0.
    const rows = await this.rows(sql<Omit<Totals, 'deleted' | 'reported'>>`
      select
        b.run_id as run, b.pass, count(*) as batches, sum(b.rows) as rows, sum(b.moved) as moved,
        sum(b.skipped) as skipped, sum(b.bytes) as bytes, sum(b.files) as files,
        max(case when b.size > 0 then b.millis end) as longest, max(b.at) - min(b.at - b.millis) as millis,
        (
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
    const deleted = await this.rows(sql<{ run: number; pass: number; label: string; rows: number }>`
      select b.run_id as run, b.pass, d.key as label, sum(d.value) as rows
      from ${batch} as b, json_each(b.deleted) as d
      where b.run_id in ${runs}
      group by b.run_id, b.pass, d.key`);
    const reported = await this.rows(sql<{ run: number; pass: number; reported: string }>`
      select run_id as run, pass, reported from ${batch} where run_id in ${runs} and reported is not null`);
    return rows.map((row) => {
      const isOwn = (one: { readonly run: number; readonly pass: number }): boolean =>
        one.run === row.run && one.pass === row.pass;
      return {
        ...row,
        deleted: Object.fromEntries(deleted.filter(isOwn).map((one) => [one.label, one.rows])),
        reported: sumReported(reported.filter(isOwn).map((one) => parseJson<ReportedRows>(one.reported))),
      };
    });
  }

  async #readRuns(which: RawBuilder<unknown>): Promise<ReportedRun[]> {
    type Row = Omit<ReportedRun, 'reasons' | 'notes' | 'startedAt' | 'endedAt' | 'millis'> & {
      readonly reasons: string;
      readonly notes: string;
      readonly startedAt: number;
      readonly endedAt: number | null;
    };
    const rows = await this.rows(sql<Row>`
      select
        id as run, policy, mode, status, reasons, notes,
        started_at as "startedAt", ended_at as "endedAt",
        longest_transaction_millis as "longestTransactionMillis"
      from ${this.table('run')}
      ${which}`);
    return rows.map((row) => ({
      ...row,
      reasons: parseJson(row.reasons),
      notes: parseJson(row.notes),
      millis: (row.endedAt ?? Date.now()) - row.startedAt,
      startedAt: toIso(row.startedAt),
      endedAt: toIsoOrNull(row.endedAt),
    }));
  }
}
