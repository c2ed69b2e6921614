import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { assertValid } from '../../policy/issue.ts';
import { takeTurns } from '../sql/fence.ts';
import { inTransaction } from '../sql/transaction.ts';
import { BatchEntity, GuardEntity, PassEntity, ReclaimEntity, RunEntity, SizeEntity } from './entities.ts';
import { RunsPassesBatches } from './migrations/001-runs-passes-batches.ts';
import { SizesAndReclaims } from './migrations/002-sizes-and-reclaims.ts';
import { Guards } from './migrations/003-guards.ts';
import { ReportedRowsOfPasses } from './migrations/004-reported-rows.ts';
import { KeptRows } from './migrations/005-kept-rows.ts';
import { Backlogs } from './migrations/006-backlogs.ts';
import { HoldsOfRows } from './migrations/007-holds.ts';
import { Files } from './migrations/008-files.ts';
import { KeptGroups } from './migrations/009-kept-groups.ts';
import { Spans } from './migrations/010-spans.ts';
import { KeptWhole } from './migrations/011-kept-whole.ts';

/** The schema of the ledger unless a worker is told otherwise. */
const LEDGER_SCHEMA = 'vacuum';

const MIGRATIONS = [
  { name: '001-runs-passes-batches', class: RunsPassesBatches },
  { name: '002-sizes-and-reclaims', class: SizesAndReclaims },
  { name: '003-guards', class: Guards },
  { name: '004-reported-rows', class: ReportedRowsOfPasses },
  { name: '005-kept-rows', class: KeptRows },
  { name: '006-backlogs', class: Backlogs },
  { name: '007-holds', class: HoldsOfRows },
  { name: '008-files', class: Files },
  { name: '009-kept-groups', class: KeptGroups },
  { name: '010-spans', class: Spans },
  { name: '011-kept-whole', class: KeptWhole },
];

/** The tables of the ledger. */
const TABLES = [
  'run',
  'pass',
  'batch',
  'size',
  'reclaim',
  'kept',
  'kept_whole',
  'guard',
  'hold',
  'file',
] as const;

/** What version of the ledger a database has; `closed` where the role may not look. */
export type LedgerVersion = 'missing' | 'closed' | 'old' | 'current' | 'newer';

/** Our own tables in a cleaned database. */
export class Ledger {
  readonly db: Kysely<unknown>;
  readonly schema: string;
  readonly orm: MikroORM;
  #migrated = false;

  constructor(db: Kysely<unknown>, schema: string = LEDGER_SCHEMA) {
    this.db = db;
    this.schema = schema;
    this.orm = new MikroORM({
      dbName: 'ledger',
      // It would make a database of this name, since it cannot know the name of the one that it was given.
      ensureDatabase: false,
      schema,
      driverOptions: db,
      entities: [RunEntity, PassEntity, BatchEntity, SizeEntity, ReclaimEntity, GuardEntity],
      extensions: [Migrator],
      migrations: {
        migrationsList: MIGRATIONS,
        tableName: 'migration',
        snapshot: false,
        transactional: true,
        silent: true,
      },
    });
  }

  /** A table of the ledger, quoted. */
  table(name: (typeof TABLES)[number]): RawBuilder<unknown> {
    return sql.id(this.schema, name);
  }

  /** Words for an advisory lock that is about this ledger. */
  lockWords(...about: readonly (string | number)[]): string {
    return ['temporal-vacuum', this.schema, ...about].join(' ');
  }

  /** What the database has, without changing anything. */
  async version(): Promise<LedgerVersion> {
    const { rows } = await sql<{ there: boolean; open: boolean }>`
      select
        c.oid is not null as there,
        c.oid is null or (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as open
      from (select 1) as one
      left join pg_namespace as n on n.nspname = ${this.schema}
      left join pg_class as c on c.relnamespace = n.oid and c.relname = 'migration'`.execute(this.db);
    if (rows[0]?.there !== true) return 'missing';
    if (!rows[0].open) return 'closed';
    const { rows: applied } = await sql<{ name: string }>`
      select name from ${sql.id(this.schema, 'migration')}`.execute(this.db);
    const names = new Set(applied.map((row) => row.name));
    const known = MIGRATIONS.map((migration) => migration.name);
    if ([...names].some((name) => !known.includes(name))) return 'newer';
    return known.every((name) => names.has(name)) ? 'current' : 'old';
  }

  /**
   * Makes or upgrades the tables; does nothing where they are current. Workers that start together go one after the
   * other. Throws a `ValidationError` where the ledger is newer than this program or may not be made.
   */
  async migrate(): Promise<void> {
    if (this.#migrated) return;
    const version = await this.version();
    if (version === 'newer')
      this.#refuse('its ledger is of a newer version', 'Upgrade temporal-vacuum on this worker');
    if (version === 'closed') {
      const grant = `usage on schema ${this.schema} and select, insert, update, delete on its tables`;
      this.#refuse('its role may not read the ledger', `Grant it ${grant}`);
    }
    if (version !== 'current') await this.#upgrade();
    this.#migrated = true;
  }

  async #upgrade(): Promise<void> {
    if (!(await this.mayCreate())) {
      this.#refuse(
        'it has no current ledger and its role may not make one',
        'Run `temporal-vacuum ledger migrate` once with the URL of a role that may',
      );
    }
    // The migrator uses sessions of its own; this transaction only makes workers that start together take turns.
    await inTransaction(this.db, { lockMillis: 60_000, statementMillis: 60_000 }, async (tx) => {
      await takeTurns(tx, this.lockWords('migrate'));
      if ((await this.version()) === 'current') return;
      // The migrator makes a database of the configured name where there is none.
      const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(tx);
      this.orm.config.set('dbName', rows[0]?.name ?? '');
      await this.orm.migrator.up();
    });
  }

  /** Tables of the ledger that the connected role may not read and write as a run does. */
  async closedTables(): Promise<string[]> {
    const { rows } = await sql<{ name: string }>`
      select c.relname as name
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      cross join unnest(array['select', 'insert', 'update', 'delete']) as p(privilege)
      where n.nspname = ${this.schema} and c.relname = any(${[...TABLES]}::text[])
      group by c.relname
      having not bool_and(has_table_privilege(c.oid, p.privilege))
      order by c.relname`.execute(this.db);
    return rows.map((row) => row.name);
  }

  /** Whether the connected role may make the tables. */
  async mayCreate(): Promise<boolean> {
    const { rows } = await sql<{ may: boolean }>`
      select case
        when exists (select from pg_namespace where nspname = ${this.schema})
          then has_schema_privilege(${this.schema}, 'create')
        else has_database_privilege(current_database(), 'create')
      end as may`.execute(this.db);
    return rows[0]?.may === true;
  }

  #refuse(what: string, fix: string): void {
    assertValid('database', [{ at: 'database', what, fix, here: `schema ${this.schema}` }]);
  }
}
