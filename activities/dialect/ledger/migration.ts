/** What a dialect writes for words of the tables below. */
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
  return [
    {
      name: 'run',
      columns: `
      id ${words.id},
      policy text not null,
      mode text not null check (mode in ('execute', 'preview')),
      status text not null,
      workflow_id text not null,
      first_run_id text not null,
      temporal text not null,
      settings ${words.json} not null,
      reasons ${words.json} not null default '[]',
      notes ${words.json} not null default '[]',
      started_at ${words.instant} not null${words.now},
      ended_at ${words.instant},
      longest_transaction_millis ${words.real},
      batches_kept ${words.flag} not null default ${words.set}`,
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
      run_id integer not null${words.ofRun},
      ordinal integer not null,
      name text not null,
      kind text not null,
      status text not null,
      scan text,
      shards ${words.json} not null default '[]',
      stored ${words.json} not null default '{}',
      horizon ${words.instant},
      settings_hash text,
      estimate ${words.real},
      batches integer not null default 0,
      rows ${words.count} not null default 0,
      deleted ${words.json} not null default '{}',
      moved ${words.count} not null default 0,
      skipped ${words.count} not null default 0,
      held ${words.count} not null default 0,
      blocked ${words.count} not null default 0,
      bytes ${words.count} not null default 0,
      files ${words.count} not null default 0,
      reported ${words.json},
      backlog ${words.json},
      millis ${words.real} not null default 0,
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
      rows ${words.count} not null,
      deleted ${words.json} not null,
      moved ${words.count} not null,
      skipped ${words.count} not null,
      held ${words.count} not null default 0,
      blocked ${words.count} not null default 0,
      bytes ${words.count} not null default 0,
      files ${words.count} not null default 0,
      reported ${words.json},
      cursor ${words.json},
      done ${words.flag} not null,
      size integer not null,
      millis ${words.real} not null,
      at ${words.instant} not null${words.now},
      primary key (run_id, pass, shard, sequence)`,
      indexes: {},
      isReadByKey: true,
    },
    {
      name: 'size',
      columns: `
      run_id integer not null${words.ofRun},
      moment text not null check (moment in ('begin', 'pass', 'end')),
      pass integer not null default -1,
      label text not null,${words.sizes}
      measured ${words.json} not null,
      at ${words.instant} not null${words.now},
      primary key (run_id, moment, pass, label)`,
      indexes: {},
    },
    {
      // The journal of statements that give space back.
      name: 'reclaim',
      columns: `
      id ${words.id},
      run_id integer not null${words.ofRun},
      pass integer not null,
      label text not null,
      mode text not null,
      event text not null check (event in ('started', 'ended')),
      started_id integer unique${words.ofStart},
      outcome text,
      bytes ${words.count},${words.session}
      at ${words.instant} not null${words.now},
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
      tables ${words.json} not null default '{}',
      known_run integer not null default 0,
      blocked ${words.json},
      blocked_at ${words.instant}`,
      indexes: {},
    },
    {
      // Rows that no pass may delete, by key or by a condition.
      name: 'hold',
      columns: `
      id ${words.id},
      entity text not null,
      schema text not null,
      name text not null,
      key text,
      key_column text,
      key_type text,
      filter ${words.json},
      condition ${words.json},
      reason text not null,
      who text not null,
      until ${words.instant},
      added_at ${words.instant} not null${words.now},
      check ((key is null) = (condition is not null)),
      check ((key is null) = (key_column is null) and (key is null) = (key_type is null))`,
      indexes: { hold_key: `(${words.holdKey})` },
    },
    {
      // Files that wait to be removed: recorded with the delete of their row, deleted once the file is removed. `bytes` is set
      // before the removal starts, so that a file that a crashed attempt removed is still counted with its size.
      name: 'file',
      columns: `
      id ${words.bigId},
      policy text not null,
      pass text not null,
      run_id integer not null,
      root text not null,
      path text not null,
      bytes ${words.count},
      attempts integer not null default 0,
      reason text,
      recorded_at ${words.instant} not null${words.started}`,
      indexes: {
        // Without the pass, of which there may be several: the next of them are read in order, and not all of them sorted.
        file_waiting: '(policy, root, id)',
        file_started: '(policy, root, id) where bytes is not null',
      },
    },
  ];
}
