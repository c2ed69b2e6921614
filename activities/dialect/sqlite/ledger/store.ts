import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../../stored/expiry.ts';
import type { InterruptedReclaim, ReclaimOutcome } from '../../../stored/reclaim.ts';
import type { SizeMoment, TableSize } from '../../../stored/size.ts';
import type { LedgerStore, KeptRowsStore, SizeStore, ReclaimStore } from '../../ledger-store.ts';
import { SqlBacklogStore } from '../../ledger/backlogs.ts';
import { SqlGuardStore } from '../../ledger/guards.ts';
import { SqlPreviewStore } from '../../ledger/previews.ts';
import { SqlRecordedFiles } from '../../ledger/recorded-files.ts';
import { SqlRunStore } from '../../ledger/runs.ts';
import type { Connection } from '../connection.ts';
import type { SqliteFile } from '../file.ts';
import { selectNewest } from '../keep-last.ts';
import { SqliteBatchStore } from './batches.ts';
import { SqliteHoldStore } from './holds.ts';
import { LedgerPart, toIso } from './ledger-part.ts';
import { SqliteProgressStore } from './progress.ts';
import { SqliteReportStore } from './reports.ts';
import { SqliteLedgerTables } from './tables.ts';

/** The statements of the ledger on SQLite. */
export function createLedgerStore(connection: Connection, file: SqliteFile): LedgerStore {
  const shared = new LedgerPart(connection);
  return {
    tables: new SqliteLedgerTables(connection, file),
    runs: new SqlRunStore(shared),
    batches: new SqliteBatchStore(connection),
    reports: new SqliteReportStore(connection),
    progress: new SqliteProgressStore(connection),
    guards: new SqlGuardStore(shared),
    holds: new SqliteHoldStore(connection),
    keptRows: new SqliteKeptRowsStore(connection),
    sizes: new SqliteSizeStore(connection),
    reclaims: new SqliteReclaimStore(connection),
    previews: new SqlPreviewStore(shared),
    backlogs: new SqlBacklogStore(shared),
    recordedFiles: new SqlRecordedFiles(shared),
  };
}

/** Which rows the passes of open runs keep: a row for each. */
class SqliteKeptRowsStore extends LedgerPart implements KeptRowsStore {
  async write(run: number, pass: number, expiry: KeepLastExpiry): Promise<void> {
    await this.change(sql`
      insert into ${this.table('kept')} (run_id, pass, retention_index, group_key, key)
      select ${run}, ${pass}, n.retention_index, n.group_key, n.key
      from (${selectNewest(expiry)}) as n`);
  }

  async delete(run: number): Promise<void> {
    await this.change(sql`delete from ${this.table('kept')} where run_id = ${run}`);
  }
}

/** What tables measured. */
class SqliteSizeStore extends LedgerPart implements SizeStore {
  async write(
    run: number,
    when: { readonly moment: SizeMoment } | { readonly pass: number },
    sizes: readonly TableSize[],
  ): Promise<void> {
    const moment = 'pass' in when ? 'pass' : when.moment;
    const pass = 'pass' in when ? when.pass : -1;
    await this.change(sql`
      insert into ${this.table('size')} (run_id, moment, pass, label, measured, at)
      select ${run}, ${moment}, ${pass}, m.value ->> 'table', m.value, ${Date.now()}
      from json_each(${JSON.stringify(sizes)}) as m
      where true
      on conflict do nothing`);
  }
}

/** The journal of statements that give space back. */
class SqliteReclaimStore extends LedgerPart implements ReclaimStore {
  async recordEnd(started: number, outcome: ReclaimOutcome, bytes: number | null): Promise<void> {
    await this.change(sql`
      insert into ${this.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome, bytes, at)
      select run_id, pass, label, mode, 'ended', id, ${outcome}, ${bytes}, ${Date.now()}
      from ${this.table('reclaim')}
      where id = ${started}
      on conflict do nothing`);
  }

  async endInterrupted(run: number): Promise<InterruptedReclaim[]> {
    type Row = Omit<InterruptedReclaim, 'at'> & { readonly id: number; readonly at: number };
    const found = await this.rows(sql<Row>`
      select s.id, s.run_id as run, p.name, s.label, s.mode, s.at
      from ${this.table('run')} as own
      join ${this.table('run')} as r on r.id = own.id or (r.policy = own.policy and r.ended_at is not null)
      join ${this.table('reclaim')} as s on s.run_id = r.id and s.event = 'started'
      join ${this.table('pass')} as p on p.run_id = s.run_id and p.ordinal = s.pass
      where
        own.id = ${run}
        and not exists (select 1 from ${this.table('reclaim')} as e where e.started_id = s.id)
      order by s.id`);
    for (const { id } of found) await this.recordEnd(id, 'interrupted', null);
    return found.map(({ id: _id, at, ...row }) => ({ ...row, at: toIso(at) }));
  }
}
