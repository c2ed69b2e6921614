import type { RawBuilder } from 'kysely';

import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { readHolds } from '../ledger/holds.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { PreviewedPass } from '../ledger/previews.ts';
import { instantOf } from '../ledger/reported.ts';
import type { RunPass } from '../ledger/runs.ts';
import { bytesOf } from '../ledger/sizes.ts';
import { workOf } from '../passes/index.ts';
import type { FrozenPass } from '../passes/index.ts';
import { distinctTables } from '../plan/cascades.ts';
import { planPasses } from '../plan/plan-passes.ts';
import { resolvePolicy } from '../plan/resolve.ts';
import { cancelledBy } from '../sql/cancel.ts';
import { readSizes } from '../sql/sizes.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';
import { countFiles, NO_FILES } from './files.ts';
import { PreviewScript } from './script.ts';

/** What would go from one table. */
export interface PreviewedTable {
  readonly table: string;
  readonly rows: number;
  /** Bytes of these rows with their part of indexes and TOAST, as if all rows were of one size: an estimate. */
  readonly bytes: number;
}

/** What a run would delete now. */
export interface Preview {
  readonly policy: string;
  /** The instant that was looked at, by the database's clock. */
  readonly at: string;
  readonly passes: readonly PreviewedPass[];
  /** The rows of each table that would go, the largest share first. */
  readonly tables: readonly PreviewedTable[];
  /** The role may not read the ledger, so that rows that holds keep are counted among those that go. */
  readonly holdsUnknown: boolean;
}

/**
 * Counts what a run of some passes of a policy would delete, table by table, with what foreign keys cascade to. In
 * one read-only transaction: nothing is written and nothing is locked.
 *
 * Lasts as long as reading the tables does; no limit is set to the statement. The signal ends it, on the server too.
 */
export async function previewPolicy(
  { db, ledger }: Pick<Database, 'db' | 'ledger'>,
  policy: Policy,
  passNames: readonly string[],
  signal?: AbortSignal,
): Promise<Preview> {
  const outbox = (await ledger.version()) === 'current' ? ledger.table('file') : undefined;
  return inSnapshot(db, { lockMillis: 5_000, statementMillis: 0 }, async (tx) => {
    return cancelledBy(signal, db, tx, async () => countAll(tx, ledger, policy, passNames, outbox, signal));
  });
}

async function countAll(
  tx: Tx,
  ledger: Ledger,
  policy: Policy,
  passNames: readonly string[],
  outbox: RawBuilder<unknown> | undefined,
  signal: AbortSignal | undefined,
): Promise<Preview> {
  const resolved = await resolvePolicy(tx, policy, passNames, 'preview');
  const { passes, now } = resolved;
  const planned = await planPasses(tx, policy, resolved);
  const holds = await readHolds(tx, ledger);
  const script = new PreviewScript(resolved.catalog, holds);
  for (const { pass, frozen } of passes) {
    script.begin(pass.name);
    workOf(pass.kind).preview(frozen, script);
  }
  const { rows } = await script.statement().execute(tx);
  const counts = rows[0]?.counts ?? [];
  const files = await countFiles({ tx, policy, now, outbox, signal }, script.fileLooks);
  const previewed = planned.map((pass) => ({ ...sumUp(pass, script, counts), ...files.get(pass.name) }));
  return {
    policy: policy.name,
    at: now,
    holdsUnknown: holds === undefined,
    passes: previewed,
    tables: await weighTables(tx, previewed, passes),
  };
}

async function weighTables(
  tx: Tx,
  previewed: readonly PreviewedPass[],
  frozen: readonly { readonly frozen: FrozenPass }[],
): Promise<PreviewedTable[]> {
  const deleted = new Map<string, number>();
  for (const [label, rows] of previewed.flatMap((pass) => Object.entries(pass.deleted))) {
    deleted.set(label, (deleted.get(label) ?? 0) + rows);
  }
  const names = distinctTables(frozen.flatMap((pass) => pass.frozen.counted));
  const sizes = await readSizes(
    tx,
    names.filter(({ label }) => deleted.has(label)),
  );
  const tables = [...deleted].map(([table, rows]): PreviewedTable => {
    const size = sizes.find((one) => one.table === table);
    const each = size === undefined ? 0 : bytesOf(size) / Math.max(1, rows, size.live + size.dead);
    return { table, rows, bytes: Math.round(rows * each) };
  });
  return tables.toSorted((a, b) => b.bytes - a.bytes);
}

function sumUp(
  { name, kind, plan, frozen, settingsHash }: RunPass,
  script: PreviewScript,
  counts: readonly (number | null)[],
): PreviewedPass {
  const deleted: Record<string, number> = {};
  let moved = 0;
  let held = 0;
  let found: number | null = null;
  let oldestFound: string | null = null;
  let oldest: string | null = null;
  let newest: string | null = null;
  for (const [n, { pass, label, what }] of script.counts.entries()) {
    if (pass !== name) continue;
    const rows = counts[n] ?? 0;
    switch (what) {
      case 'deleted':
        if (rows > 0) deleted[label] = (deleted[label] ?? 0) + rows;
        break;
      case 'moved':
        moved += rows;
        break;
      case 'held':
        held += rows;
        break;
      case 'from':
        oldest = instantOf(counts[n] ?? null);
        break;
      case 'to':
        newest = instantOf(counts[n] ?? null);
        break;
      case 'found':
        found = rows;
        break;
      case 'oldest':
        oldestFound = instantOf(counts[n] ?? null);
    }
  }
  const sum = Object.values(deleted).reduce((total, rows) => total + rows, 0);
  return {
    name,
    kind,
    plan,
    applicable: frozen !== null,
    deleted,
    moved,
    held,
    // One that reports may find nothing, and says so.
    reported: found === null ? null : { found, resolved: 0, unresolved: {}, oldest: oldestFound },
    oldest,
    newest,
    rows: sum,
    settingsHash,
    ...NO_FILES,
  };
}
