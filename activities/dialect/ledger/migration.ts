/** A word between braces, as below, and what a dialect writes for it. */
export type LedgerWords = Readonly<
  Record<
    | 'id'
    | 'bigId'
    | 'json'
    | 'instant'
    | 'now'
    | 'count'
    | 'real'
    | 'flag'
    | 'set'
    | 'ofRun'
    | 'ofStart'
    | 'started'
    | 'sizes'
    | 'session'
    | 'holdKey',
    string
  >
>;

/** A table of the ledger that both dialects have. */
export interface NewLedgerTable {
  readonly name: 'run' | 'pass' | 'batch' | 'size' | 'reclaim' | 'guard' | 'hold' | 'file';
  readonly columns: string;
  /** By name: what they are over, and which rows. */
  readonly indexes: Readonly<Record<string, string>>;
  readonly uniqueIndexes?: Readonly<Record<string, string>>;
  /** It is read by its primary key alone. */
  readonly isReadByKey?: true;
}

/** The tables of the ledger, but for what a dialect keeps of `keepLast` in its own way. */
export function listLedgerTables(words: LedgerWords): NewLedgerTable[] {
  const fill = (text: string): string =>
    text.replaceAll(/\{(\w+)\}/g, (_, word: keyof LedgerWords) => words[word]);
  return TABLES.map(({ columns, indexes, ...table }) => ({
    ...table,
    columns: fill(columns),
    indexes: Object.fromEntries(Object.entries(indexes).map(([name, rest]) => [name, fill(rest)])),
  }));
}

const TABLES: readonly NewLedgerTable[] = [
  {
    name: 'run',
    columns: `
      id {id},
      policy text not null,
      mode text not null check (mode in ('execute', 'preview')),
      status text not null,
      workflow_id text not null,
      first_run_id text not null,
      temporal text not null,
      settings {json} not null,
      reasons {json} not null default '[]',
      notes {json} not null default '[]',
      started_at {instant} not null{now},
      ended_at {instant},
      longest_transaction_millis {real},
      batches_kept {flag} not null default {set}`,
    uniqueIndexes: { run_lease: '(policy) where ended_at is null' },
    indexes: {
      run_policy_started_at: '(policy, started_at)',
      run_batches_kept: '(ended_at) where batches_kept',
      run_workflow: '(workflow_id, first_run_id)',
    },
  },
  {
    name: 'pass',
    columns: `
      run_id integer not null{ofRun},
      ordinal integer not null,
      name text not null,
      kind text not null,
      status text not null,
      scan text,
      shards {json} not null default '[]',
      stored {json} not null default '{}',
      horizon {instant},
      settings_hash text,
      estimate {real},
      batches integer not null default 0,
      rows {count} not null default 0,
      deleted {json} not null default '{}',
      moved {count} not null default 0,
      skipped {count} not null default 0,
      held {count} not null default 0,
      blocked {count} not null default 0,
      bytes {count} not null default 0,
      files {count} not null default 0,
      reported {json},
      backlog {json},
      millis {real} not null default 0,
      error text,
      primary key (run_id, ordinal)`,
    indexes: {},
  },
  {
    // No foreign key to the run: it would lock the run's row in every batch, and two shards beside one another would write a
    // multixact of PostgreSQL for it each time.
    name: 'batch',
    columns: `
      run_id integer not null,
      pass integer not null,
      shard integer not null,
      sequence integer not null,
      round integer not null,
      rows {count} not null,
      deleted {json} not null,
      moved {count} not null,
      skipped {count} not null,
      held {count} not null default 0,
      blocked {count} not null default 0,
      bytes {count} not null default 0,
      files {count} not null default 0,
      reported {json},
      cursor {json},
      done {flag} not null,
      size integer not null,
      millis {real} not null,
      at {instant} not null{now},
      primary key (run_id, pass, shard, sequence)`,
    indexes: {},
    isReadByKey: true,
  },
  {
    name: 'size',
    columns: `
      run_id integer not null{ofRun},
      moment text not null check (moment in ('begin', 'pass', 'end')),
      pass integer not null default -1,
      label text not null,{sizes}
      measured {json} not null,
      at {instant} not null{now},
      primary key (run_id, moment, pass, label)`,
    indexes: {},
  },
  {
    // The journal of statements that give space back.
    name: 'reclaim',
    columns: `
      id {id},
      run_id integer not null{ofRun},
      pass integer not null,
      label text not null,
      mode text not null,
      event text not null check (event in ('started', 'ended')),
      started_id integer unique{ofStart},
      outcome text,
      bytes {count},{session}
      at {instant} not null{now},
      check ((event = 'ended') = (started_id is not null))`,
    indexes: { reclaim_run: '(run_id, pass)' },
  },
  {
    // What guards remember of a policy.
    name: 'guard',
    columns: `
      policy text primary key,
      system_identifier text,
      database_oid text,
      tables {json} not null default '{}',
      known_run integer not null default 0,
      blocked {json},
      blocked_at {instant}`,
    indexes: {},
  },
  {
    // Rows that no pass may delete, by key or by a condition.
    name: 'hold',
    columns: `
      id {id},
      entity text not null,
      schema text not null,
      name text not null,
      key text,
      key_column text,
      key_type text,
      filter {json},
      condition {json},
      reason text not null,
      who text not null,
      until {instant},
      added_at {instant} not null{now},
      check ((key is null) = (condition is not null)),
      check ((key is null) = (key_column is null) and (key is null) = (key_type is null))`,
    indexes: { hold_key: '({holdKey})' },
  },
  {
    // Files that wait to be removed: recorded with the delete of their row, deleted once the file is removed. `bytes` is set
    // before the removal starts, so that a file that a crashed attempt removed is still counted with its size.
    name: 'file',
    columns: `
      id {bigId},
      policy text not null,
      pass text not null,
      run_id integer not null,
      root text not null,
      path text not null,
      bytes {count},
      attempts integer not null default 0,
      reason text,
      recorded_at {instant} not null{started}`,
    indexes: {
      // Without the pass, of which there may be several: the next of them are read in order, and not all of them sorted.
      file_waiting: '(policy, root, id)',
      file_started: '(policy, root, id) where bytes is not null',
    },
  },
];
