import type { BacklogMoment, EarlierBacklog, LastBacklog, PassBacklog } from '../stored/backlog.ts';
import type { BatchResult, Position, RoundTotals, ShardBatches, ShardKey } from '../stored/batch.ts';
import type { TableName } from '../stored/columns.ts';
import type { KeepLastExpiry } from '../stored/expiry.ts';
import type { BlockedPolicy, GuardState, LedgerPast, PreviewedRows, Seen } from '../stored/guard.ts';
import type { Hold, NewHold } from '../stored/hold.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { ProgressPass } from '../stored/progress.ts';
import type { ReclaimOutcome, InterruptedReclaim } from '../stored/reclaim.ts';
import type { Note, PreviewedPass, ReportedRun, ReportedPass, ReportedSize } from '../stored/report.ts';
import type {
  OpenPass,
  OpenRun,
  PassStatus,
  RunOwner,
  RunPass,
  RunSettings,
  RunStatus,
  UnmeasuredPass,
} from '../stored/run.ts';
import type { SizeMoment, TableSize } from '../stored/size.ts';
import type { DeletionCounters } from './batch-lock.ts';
import type { Fingerprinted } from './facts.ts';
import type { RecordedFiles } from './recorded-files.ts';
import type { Holds } from './view.ts';

/** The statements of the ledger, our own tables in the cleaned database. */
export interface LedgerStore {
  readonly tables: LedgerTables;
  readonly runs: RunStore;
  readonly batches: BatchStore;
  readonly reports: ReportStore;
  readonly progress: ProgressStore;
  readonly guards: GuardStore;
  readonly holds: HoldStore;
  readonly keptRows: KeptRowsStore;
  readonly sizes: SizeStore;
  readonly reclaims: ReclaimStore;
  readonly previews: PreviewStore;
  readonly backlogs: BacklogStore;
  readonly recordedFiles: RecordedFiles;
}

/** Which tables of the ledger a database has; `closed` if the role may not look. */
export type LedgerVersion = 'missing' | 'closed' | 'old' | 'current' | 'newer';

/** The tables themselves. */
export interface LedgerTables {
  readVersion(): Promise<LedgerVersion>;
  /** Creates the tables, unless they are current. Those who call it with the same key at the same time take turns. */
  create(turnKey: string): Promise<void>;
  /** Whether the connected role may create them. */
  canCreate(): Promise<boolean>;
  /** Tables that the connected role may not read and write as a run does. */
  findClosed(): Promise<string[]>;
}

export interface RunStore {
  /** The open run of a policy, which holds its lease. */
  findOpen(policy: string): Promise<OpenRun | undefined>;
  /** The policies with an open run, also those that no configuration has any more. */
  listOpenPolicies(): Promise<string[]>;
  /** The workflow that a run belongs to. */
  findWorkflow(run: number): Promise<string | undefined>;
  /** The last run that a workflow started. */
  findLastOf(workflowId: string): Promise<number | undefined>;
  /** A run started at the instant that its horizons are counted from. Undefined if another run of the policy is open. */
  insert(owner: RunOwner, settings: RunSettings, startedAt: string): Promise<OpenRun['id'] | undefined>;
  /** Inserts a run that ended when it started. */
  insertGuarded(owner: RunOwner, settings: RunSettings, reasons: readonly string[]): Promise<number>;
  insertPass(run: number, ordinal: number, pass: RunPass): Promise<void>;
  readPass(run: number, ordinal: number): Promise<OpenPass | undefined>;
  /** Stores a pass with what its tables are by now: see `StoredPass.fingerprint`. */
  storeRenewed(run: number, ordinal: number, stored: StoredPass): Promise<void>;
  /** Returns false if the run is closed already. */
  close(run: number, status: RunStatus, reasons: readonly string[]): Promise<boolean>;
  /** Rows deleted in all tables so far, and the milliseconds since the start by the database's clock. */
  readUsage(run: number): Promise<{ readonly rows: number; readonly millis: number }>;
  /** Whether batches of a run so far deleted rows of a table. */
  hasDeletedFrom(run: number, label: string): Promise<boolean>;
  /** The tables that the passes of an open run delete from or work on; with repetitions. */
  readTables(run: number): Promise<TableName[]>;
  /** Adds notes; one that the run has is not added again. */
  addNotes(run: number, notes: readonly Note[]): Promise<void>;
}

export interface BatchRecord extends ShardKey {
  readonly sequence: number;
  readonly round: number;
  readonly size: number;
  readonly counters: DeletionCounters;
  /** The batch is not recorded if the fingerprint is another by now. Default: tables may change. */
  readonly unchanged?: Fingerprinted & { readonly fingerprint: string };
  /** How long the work took, if it was not done in the transaction of this row. */
  readonly millis?: number;
}

export interface BatchStore {
  /** The last batch of a shard; undefined before its first. */
  findLast(key: ShardKey): Promise<Position | undefined>;
  /** Adds up the batches of a shard in one round. */
  sumRound(key: ShardKey, round: number): Promise<RoundTotals>;
  /**
   * Writes a batch, in the transaction of its deletes. Returns the rows deleted in all tables. Undefined if another attempt
   * has written a batch of this number or the run is closed: then the transaction must be rolled back.
   */
  record(record: BatchRecord, result: BatchResult): Promise<number | undefined>;
  /** How many files the last complete listing of a root counted, in an earlier run of a pass. */
  findCountedFiles(policy: string, pass: string, root: string): Promise<number | undefined>;
  /** Removes the batches, the journal and the stored passes of runs that ended long ago. */
  prune(): Promise<void>;
}

/** What runs did, in one statement each whatever the number of runs. */
export interface ReportStore {
  readRun(run: number): Promise<ReportedRun | undefined>;
  /** The runs of a policy, or of all, the newest first. */
  readRuns(policy: string | undefined, limit: number): Promise<ReportedRun[]>;
  /** Of each policy the last run that deletes and has ended, and the last of them that completed. */
  readLastRuns(policies: readonly string[]): Promise<ReportedRun[]>;
  readPasses(runs: readonly number[]): Promise<ReportedPass[]>;
  readSizes(runs: readonly number[]): Promise<ReportedSize[]>;
  /** Writes the totals of a run that ends into its passes. */
  foldTotals(
    run: number,
    passes: readonly { readonly status: PassStatus; readonly error?: string }[],
    longestMillis: number,
  ): Promise<void>;
}

export interface ProgressStore {
  /** The passes of a run, or one of them. */
  readPasses(run: number, pass?: number): Promise<ProgressPass[]>;
  /** The last round of each shard, or of one, that has a batch. */
  readShards(
    run: number,
    key?: Pick<ShardKey, 'pass' | 'shard'>,
  ): Promise<(ShardBatches & Pick<ShardKey, 'pass' | 'shard'>)[]>;
}

export interface GuardStore {
  /** What guards remember of a policy; undefined before its first run. */
  read(policy: string): Promise<GuardState | undefined>;
  /** Remembers the database and the tables as a run found them. */
  recordSeen(run: Pick<OpenRun, 'id' | 'policy'>, seen: Seen): Promise<void>;
  /** Lets no run of a policy start until it is acknowledged. `lastRun` is the highest known number of a run. */
  block(policy: string, reasons: readonly string[], lastRun: number): Promise<void>;
  /** Lets runs of a policy, or of all, start again and forgets what was seen. Returns the policies that were blocked. */
  acknowledge(policy: string | undefined): Promise<BlockedPolicy[]>;
  readPast(knownRun: number): Promise<LedgerPast>;
  /** The rows that runs, of whatever policy, deleted from a table, by its label, from the run of a number on. */
  sumDeleted(label: string, run: number): Promise<number>;
  /** The most rows that one of the last runs of a pass deleted from a table; undefined if none ever deleted any. */
  findMaxDeleted(policy: string, pass: string, label: string): Promise<number | undefined>;
  /** The most files that one of the last runs of a pass removed; undefined if none ever completed. */
  findMaxFiles(policy: string, pass: string): Promise<number | undefined>;
  /** What previews of the last 24 hours showed of passes that have the same settings now. */
  findPreviewed(
    policy: string,
    passes: readonly Pick<RunPass, 'name' | 'settingsHash'>[],
  ): Promise<PreviewedRows[]>;
}

export interface HoldStore {
  /**
   * The holds in force, or those that will be from an instant on; none if the database has no ledger. Undefined if the role
   * may not look.
   */
  readInForce(from?: string): Promise<Holds | undefined>;
  /** The instants at which holds in force end, in their order. */
  readEnds(): Promise<string[]>;
  /** It works from its commit on, on every batch that starts then: see {@link HoldStore.findReaders}. */
  insert(hold: NewHold): Promise<number>;
  /** All holds, the newest first, with those that ended. */
  list(): Promise<Hold[]>;
  /**
   * Holds in force whose table no longer exists under its name, and that are about a policy: they name one of its
   * entities, or an earlier run of it could delete from the table.
   */
  findLost(policy: string, entities: readonly string[]): Promise<Pick<Hold, 'id' | 'entity'>[]>;
  /** Returns false if there is none of this number. */
  delete(id: number): Promise<boolean>;
  /** The other transactions that are open and have read the holds. */
  findReaders(): Promise<string[]>;
}

export interface KeptRowsStore {
  /** Writes down which rows a pass of a run keeps, as they are now. */
  write(run: number, pass: number, expiry: KeepLastExpiry): Promise<void>;
  delete(run: number): Promise<void>;
}

export interface SizeStore {
  /** Keeps what tables measured. A measurement that is there stays: a late attempt measures too much. */
  write(
    run: number,
    when: { readonly moment: SizeMoment } | { readonly pass: number },
    sizes: readonly TableSize[],
  ): Promise<void>;
}

/** The journal of statements that give space back. */
export interface ReclaimStore {
  /** Writes how a statement ended, by the number of its start. One that has an end keeps it. */
  recordEnd(started: number, outcome: ReclaimOutcome, bytes: number | null): Promise<void>;
  /** Ends what was started and has no end, in a run or in closed runs of its policy. Returns each once. */
  endInterrupted(run: number): Promise<InterruptedReclaim[]>;
}

export interface PreviewStore {
  /** The preview that a workflow stored. */
  find(owner: RunOwner, policy: string): Promise<number | undefined>;
  insert(owner: RunOwner, policy: string, startedAt: string): Promise<number>;
  insertPass(run: number, ordinal: number, pass: PreviewedPass): Promise<void>;
}

export interface BacklogStore {
  /** The passes of an open run that have no measurement of the moment; none if the run is closed. */
  findUnmeasured(run: number, moment: BacklogMoment): Promise<UnmeasuredPass[]>;
  /** Keeps a measurement, unless the run is closed. */
  write(run: number, ordinal: number, measured: Partial<PassBacklog>): Promise<void>;
  /**
   * What an earlier run of the policy left for a pass of an open run, by the name of the pass: the run before, or the
   * oldest run of the last day. Null if none of them measured.
   */
  readEarlier(
    run: number,
    pass: Pick<UnmeasuredPass, 'ordinal' | 'name' | 'stored'>,
    which: 'the run before' | 'the oldest of the last day',
  ): Promise<EarlierBacklog | null>;
  /** The last measurements of some passes of a policy, by the name of the pass. */
  readLast(policy: string, passes: readonly string[]): Promise<ReadonlyMap<string, LastBacklog>>;
}
