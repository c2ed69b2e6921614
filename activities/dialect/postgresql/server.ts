import { sql } from 'kysely';

import type { Server, ServerAdvice, ServerProblem } from '../facts.ts';
import type { Connection } from './connection.ts';
import { findUnsupported } from './engines.ts';
import { quoteIdentifier } from './identifiers.ts';

/** The oldest PostgreSQL that is tested. TID range scans came with it. */
const OLDEST_VERSION = 14;

/** What rows a transaction deleted, cascades included, is known from the server's own counters. */
const NO_COUNTS: ServerProblem = {
  what: 'it does not count what is deleted (track_counts is off), so that no run could be accounted for',
  fix: 'Set track_counts = on, which autovacuum needs as well',
};
const REPLICA: ServerProblem = {
  what: 'no foreign key does anything in sessions of its role (session_replication_role is replica), so that rows would be left that reference others that are deleted',
  fix: 'Use another role, or reset it: alter role ... reset session_replication_role',
};
const STANDBY: ServerProblem = {
  what: 'it is a standby, which is read-only',
  fix: 'Use the URL of the primary',
  whenWriting: true,
};
const READ_ONLY: ServerProblem = {
  what: 'its transactions are read-only (default_transaction_read_only is on for the server, the database or the role)',
  fix: 'Use another role, or switch it off: alter role ... set default_transaction_read_only = off',
  whenWriting: true,
};

interface ServerRow {
  readonly version: number;
  readonly role: string;
  readonly now: string;
  readonly counts: boolean;
  readonly replica: boolean;
  readonly standby: boolean;
  readonly readOnly: boolean;
  readonly tempLimit: string;
  readonly exits: boolean;
  readonly tidScans: boolean;
  /** Some tables are published. */
  readonly publishes: boolean;
}

/** What the server says of itself, and which of its settings a run cannot live with. */
export async function readServer(connection: Connection): Promise<Server> {
  const unsupported = await findUnsupported(connection);
  if (unsupported !== undefined) {
    const now = new Date().toISOString();
    const nothing = { role: '', now, tooOld: null, advice: [], ignoresForeignKeys: false };
    return { product: 'another database', ...nothing, problems: [unsupported] };
  }
  const { rows } = await sql<ServerRow>`
    select
      current_setting('server_version_num')::int / 10000 as version,
      current_user as role,
      to_json(now()) #>> '{}' as now,
      current_setting('track_counts')::boolean as counts,
      current_setting('session_replication_role') = 'replica' as replica,
      pg_is_in_recovery() as standby,
      current_setting('default_transaction_read_only')::boolean as "readOnly",
      current_setting('temp_file_limit') as "tempLimit",
      current_setting('exit_on_error')::boolean as exits,
      current_setting('enable_tidscan')::boolean as "tidScans",
      exists (select from pg_publication) as publishes`.execute(connection.db);
  const row = rows[0] as ServerRow;
  const { version, role, now } = row;
  return {
    product: `PostgreSQL ${version}`,
    role,
    now,
    problems: listProblems(row),
    advice: [...listAdvice(row), ...(row.publishes ? await adviseOnPublications(connection, version) : [])],
    tooOld: version < OLDEST_VERSION ? `PostgreSQL ${OLDEST_VERSION}` : null,
    ignoresForeignKeys: row.replica,
  };
}

function listProblems({ counts, replica, standby, readOnly }: ServerRow): ServerProblem[] {
  return [
    ...(counts ? [] : [NO_COUNTS]),
    ...(replica ? [REPLICA] : []),
    ...(standby ? [STANDBY] : []),
    ...(readOnly && !standby ? [READ_ONLY] : []),
  ];
}

/** Settings that only a superuser may set, or that a transaction of ours must not change. */
function listAdvice({ tempLimit, exits, tidScans }: ServerRow): Server['advice'] {
  return [
    ...(tempLimit === '-1'
      ? []
      : [
          {
            what: `temp_file_limit is ${tempLimit}: a pass that keeps the newest rows, or a preview, that sorts more than this fails`,
            fix: 'Raise it for the role: alter role ... set temp_file_limit = -1',
          },
        ]),
    ...(exits
      ? [
          {
            what: 'exit_on_error is on: each error ends the connection, also one after which a batch would go on',
            fix: 'Switch it off for the role: alter role ... set exit_on_error = off',
          },
        ]
      : []),
    ...(tidScans
      ? []
      : [
          {
            what: 'enable_tidscan is off: each batch reads a whole table to find its rows',
            fix: 'Switch it on for the role: alter role ... set enable_tidscan = on',
          },
        ]),
  ];
}

/** The publications that have the ledger, whatever its tables are. Those of a schema are new in PostgreSQL 15. */
async function adviseOnPublications(connection: Connection, version: number): Promise<ServerAdvice[]> {
  const ofSchema = sql`
    union all
    select p.pubname::text, false
    from pg_publication as p
    join pg_publication_namespace as n on n.pnpubid = p.oid
    where n.pnnspid = to_regnamespace(${quoteIdentifier(connection.ledgerSchema)})`;
  const { rows } = await sql<{ name: string; ofAll: boolean }>`
    select pubname::text as name, true as "ofAll" from pg_publication where puballtables
    ${version < 15 ? sql`` : ofSchema}
    order by name`.execute(connection.db);
  return rows.map(({ name, ofAll }) => ({
    what: `publication ${name} has all tables${ofAll ? '' : ` of schema ${connection.ledgerSchema}`}, so the ledger too: a subscriber without tables of the ledger applies nothing any more`,
    fix: 'Create the ledger in each subscriber before it is here: `temporal-vacuum ledger migrate` with the URL of the subscriber',
    ofLedger: true,
  }));
}
