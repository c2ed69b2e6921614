import type { InferEntity } from '@mikro-orm/core';
import { defineEntity, p } from '@mikro-orm/core';

import type { PassBacklog } from '../backlog/backlog.ts';
import type { ReportedRows } from '../passes/index.ts';
import type { TableSize } from '../sql/sizes.ts';
import type { Note } from './notes.ts';

/** The schema is a setting of the worker, so that the entities leave it open. */
const schema = '*';

/** One execution of a policy: one workflow with its continue-as-new chain. The open one is the policy's lease. */
export const RunEntity = defineEntity({
  name: 'Run',
  tableName: 'run',
  schema,
  properties: {
    id: p.integer().primary().autoincrement(),
    policy: p.text(),
    mode: p.text(),
    /** `running`, or how it ended. */
    state: p.text(),
    workflowId: p.text(),
    /** First run id of the workflow's chain. */
    firstRunId: p.text(),
    /** The Temporal cluster and namespace that know the workflow. */
    temporal: p.text(),
    /** The policy's settings as frozen. */
    settings: p.json(),
    /** Why it failed or stopped. */
    reasons: p.json<string[]>(),
    /** What is worth knowing and no failure. */
    notes: p.json<Note[]>(),
    startedAt: p.datetime(),
    endedAt: p.datetime().nullable(),
    longestTransactionMillis: p.float().nullable(),
    /** Its batches are still there. */
    batchesKept: p.boolean(),
  },
});

/** A pass of a run: what it was frozen to, and its totals when the run ended. */
export const PassEntity = defineEntity({
  name: 'Pass',
  tableName: 'pass',
  schema,
  properties: {
    run: p.integer().primary().fieldName('run_id'),
    ordinal: p.integer().primary(),
    name: p.text(),
    kind: p.text(),
    /** `planned`, or how it ended. */
    state: p.text(),
    strategy: p.text().nullable(),
    shards: p.json<unknown[]>(),
    frozen: p.json(),
    estimate: p.float().nullable(),
    batches: p.integer(),
    rows: p.float(),
    deleted: p.json<Record<string, number>>(),
    moved: p.float(),
    skipped: p.float(),
    /** Rows that only holds kept. */
    held: p.float(),
    /** What it found and left. */
    reported: p.json<ReportedRows>().nullable(),
    millis: p.float(),
    error: p.text().nullable(),
    /** Bytes given back to the disk. */
    bytes: p.float(),
    /** Files removed. */
    files: p.float(),
    /** What decides which rows it deletes, hashed without instants. */
    settingsHash: p.text().nullable(),
    /** What waited for it before the run and after. */
    backlog: p.json<PassBacklog>().nullable(),
    /** When the oldest and the newest of the rows are of that went from the pass's own table. */
    oldest: p.datetime().nullable(),
    newest: p.datetime().nullable(),
    /** Only some of these rows were looked at. */
    sampled: p.boolean(),
  },
});

/** One batch: its row commits in the transaction of its delete. */
export const BatchEntity = defineEntity({
  name: 'Batch',
  tableName: 'batch',
  schema,
  properties: {
    run: p.integer().primary().fieldName('run_id'),
    pass: p.integer().primary(),
    shard: p.integer().primary(),
    sequence: p.integer().primary(),
    /** Rows nested in others are walked level after level: one round a level. */
    round: p.integer(),
    rows: p.float(),
    deleted: p.json<Record<string, number>>(),
    moved: p.float(),
    skipped: p.float(),
    /** Rows that only holds kept. */
    held: p.float(),
    /** What it found and left. */
    reported: p.json<ReportedRows>().nullable(),
    /** Where the next batch starts; null at the begin of the shard. */
    cursor: p.json().nullable(),
    /** The shard's round is done. */
    done: p.boolean(),
    /** Rows that the pacer aimed at. */
    size: p.integer(),
    /** From begin until this row was written, without the commit. */
    millis: p.float(),
    /** Bytes given back to the disk. */
    bytes: p.float(),
    /** Files removed. */
    files: p.float(),
    /** When the oldest and the newest of the rows are of that went from the pass's own table. */
    oldest: p.datetime().nullable(),
    newest: p.datetime().nullable(),
    /** Only some of these rows were looked at. */
    sampled: p.boolean(),
    at: p.datetime(),
  },
});

/** What a table measured at a moment of a run. */
export const SizeEntity = defineEntity({
  name: 'Size',
  tableName: 'size',
  schema,
  properties: {
    run: p.integer().primary().fieldName('run_id'),
    /** `begin` and `end` of the run; `pass` by a pass that measures. */
    moment: p.text().primary(),
    /** The pass that measured; -1 for the run itself. */
    pass: p.integer().primary(),
    label: p.text().primary(),
    heap: p.float(),
    indexes: p.float(),
    toast: p.float(),
    live: p.float(),
    dead: p.float(),
    /** All that was measured, as `TableSize`. */
    measured: p.json<TableSize>(),
    at: p.datetime(),
  },
});

/** The journal of statements that give space back: a row before, and one after with how it ended. */
export const ReclaimEntity = defineEntity({
  name: 'Reclaim',
  tableName: 'reclaim',
  schema,
  properties: {
    id: p.integer().primary().autoincrement(),
    run: p.integer().fieldName('run_id'),
    pass: p.integer(),
    label: p.text(),
    mode: p.text(),
    /** `started` or `ended`. */
    event: p.text(),
    /** Of `ended`: the row that it ends. */
    started: p.integer().nullable().fieldName('started_id'),
    /** Of `ended`: how. */
    outcome: p.text().nullable(),
    /** The table with indexes and TOAST, before and after. */
    bytes: p.float().nullable(),
    /** Of `started`: the session of the server. */
    pid: p.integer().nullable(),
    backendStart: p.datetime().nullable(),
    at: p.datetime(),
  },
});

/** What guards remember of a policy: the database and its own tables as the last run found them. */
export const GuardEntity = defineEntity({
  name: 'Guard',
  tableName: 'guard',
  schema,
  properties: {
    policy: p.text().primary(),
    systemIdentifier: p.text().nullable(),
    databaseOid: p.text().nullable(),
    tables: p.json(),
    /** Runs up to this number are no reason to disarm. */
    knownRun: p.integer(),
    /** Why no run may begin; null where runs may. */
    disarmed: p.json<string[]>().nullable(),
    disarmedAt: p.datetime().nullable(),
  },
});

export type RunRow = InferEntity<typeof RunEntity>;
export type PassRow = InferEntity<typeof PassEntity>;
