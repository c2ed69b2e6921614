import type { RawBuilder } from 'kysely';

import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import type { PreviewedPass } from '../ledger/previews.ts';
import { instantOf } from '../ledger/reported.ts';
import type { RunPass } from '../ledger/runs.ts';
import { workOf } from '../passes/index.ts';
import { planPasses } from '../plan/plan-passes.ts';
import { resolvePolicy } from '../plan/resolve.ts';
import { cancelledBy } from '../sql/cancel.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';
import { countFiles, NO_FILES } from './files.ts';
import { PreviewScript } from './script.ts';

/** What a run would delete now. */
export interface Preview {
  readonly policy: string;
  /** The instant that was looked at, by the database's clock. */
  readonly at: string;
  readonly passes: readonly PreviewedPass[];
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
    return cancelledBy(signal, db, tx, async () => countAll(tx, policy, passNames, outbox, signal));
  });
}

async function countAll(
  tx: Tx,
  policy: Policy,
  passNames: readonly string[],
  outbox: RawBuilder<unknown> | undefined,
  signal: AbortSignal | undefined,
): Promise<Preview> {
  const resolved = await resolvePolicy(tx, policy, passNames, 'preview');
  const { passes, now } = resolved;
  const planned = await planPasses(tx, policy, resolved);
  const script = new PreviewScript(resolved.catalog);
  for (const { pass, frozen } of passes) {
    script.begin(pass.name);
    workOf(pass.kind).preview(frozen, script);
  }
  const { rows } = await script.statement().execute(tx);
  const counts = rows[0]?.counts ?? [];
  const files = await countFiles({ tx, policy, now, outbox, signal }, script.fileLooks);
  return {
    policy: policy.name,
    at: now,
    passes: planned.map((pass) => ({ ...sumUp(pass, script, counts), ...files.get(pass.name) })),
  };
}

function sumUp(
  { name, kind, plan, frozen, settingsHash }: RunPass,
  script: PreviewScript,
  counts: readonly (number | null)[],
): PreviewedPass {
  const deleted: Record<string, number> = {};
  let moved = 0;
  let reported: PreviewedPass['reported'] = null;
  for (const [n, count] of script.counts.entries()) {
    const rows = counts[n] ?? 0;
    if (count.pass !== name) continue;
    if (count.what === 'found') reported = { found: rows, resolved: 0, unresolved: {}, oldest: null };
    if (count.what === 'oldest') {
      // One that reports may find nothing, and says so.
      reported = reported === null ? null : { ...reported, oldest: instantOf(counts[n] ?? null) };
    }
    if (count.what === 'found' || count.what === 'oldest' || rows === 0) continue;
    if (count.what === 'moved') moved += rows;
    else deleted[count.label] = (deleted[count.label] ?? 0) + rows;
  }
  const sum = Object.values(deleted).reduce((total, rows) => total + rows, 0);
  return {
    name,
    kind,
    plan,
    applicable: frozen !== null,
    deleted,
    moved,
    reported,
    rows: sum,
    settingsHash,
    ...NO_FILES,
  };
}
