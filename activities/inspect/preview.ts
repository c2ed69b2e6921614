import type { Policy } from '../../policy/policy.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { PreviewCount } from '../dialect/preview.ts';
import { distinctTables, listSchemas } from '../dialect/table-names.ts';
import type { FilePreview } from '../files/file-preview.ts';
import { NO_FILES, previewFiles } from '../files/file-preview.ts';
import type { Database } from '../ledger/database.ts';
import { countBytes } from '../ledger/reports.ts';
import { findKind } from '../passes/index.ts';
import { findLeft } from '../plan/find-left.ts';
import { planPasses } from '../plan/plan-passes.ts';
import { resolvePolicy } from '../plan/resolve-policy.ts';
import { toIsoInstant } from '../stored/instant.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { PreviewedPass } from '../stored/report.ts';
import type { RunPass } from '../stored/run.ts';
import { findBounds } from './preview-bounds.ts';

/** What would be deleted from one table. */
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
  /** The schemas of the tables that the passes work on. */
  readonly schemas: readonly string[];
  /** The deletable rows of each table, the largest share first. */
  readonly tables: readonly PreviewedTable[];
  /** The role may not read the ledger, so that rows that holds keep are counted as deletable. */
  readonly holdsUnknown: boolean;
}

/**
 * Counts what a run of some passes of a policy would delete, table by table, with what foreign keys cascade to. In
 * one read-only transaction: nothing is written and nothing is locked.
 *
 * Lasts as long as reading the tables does; no limit is set to the statement. The signal ends it, on the server too.
 */
export async function previewPolicy(
  { session, ledger }: Pick<Database, 'session' | 'ledger'>,
  policy: Policy,
  passNames: readonly string[],
  signal?: AbortSignal,
): Promise<Preview> {
  const hasLedger = (await ledger.version()) === 'current';
  return session.snapshot({ lockMillis: 5_000, statementMillis: 0 }, async (tx) =>
    tx.cancelOn(signal, async () => previewAll(tx, policy, passNames, hasLedger, signal)),
  );
}

async function previewAll(
  tx: Tx,
  policy: Policy,
  passNames: readonly string[],
  hasLedger: boolean,
  signal: AbortSignal | undefined,
): Promise<Preview> {
  const resolved = await resolvePolicy(tx, policy, passNames, 'preview');
  const { passes, now } = resolved;
  const planned = await planPasses(tx, policy, resolved);
  const holds = await tx.ledger.holds.readInForce();
  const query = tx.startPreview(resolved.catalog, holds);
  const filePreviews: { readonly pass: string; readonly preview: FilePreview }[] = [];
  for (const { pass, stored } of passes) {
    const kind = findKind(pass.kind);
    query.startPass(pass.name);
    kind.preview(stored, query);
    const preview = kind.previewFiles?.(stored, query);
    if (preview !== undefined) filePreviews.push({ pass: pass.name, preview });
  }
  const counts = await query.count();
  const left = findLeft(policy, passes, resolved.catalog, resolved.entities);
  const bounds = await findBounds(tx, passes, resolved.catalog);
  const files = await previewFiles({ tx, policy, now, hasLedger, signal }, filePreviews);
  const previewed = planned.map((pass) => ({
    ...sumUp(pass, counts),
    ...files.get(pass.name),
    bounds: bounds.get(pass.name) ?? [],
    left: left.flatMap(({ pass: name, what, fix }) => (name === pass.name ? [`${what}. ${fix}`] : [])),
  }));
  return {
    policy: policy.name,
    at: now,
    holdsUnknown: holds === undefined,
    passes: previewed,
    schemas: listSchemas(passes.map(({ stored }) => stored)),
    tables: await measureTables(tx, previewed, passes),
  };
}

async function measureTables(
  tx: Tx,
  previewed: readonly PreviewedPass[],
  resolved: readonly { readonly stored: StoredPass }[],
): Promise<PreviewedTable[]> {
  const deleted = new Map<string, number>();
  for (const [label, rows] of previewed.flatMap((pass) => Object.entries(pass.deleted))) {
    deleted.set(label, (deleted.get(label) ?? 0) + rows);
  }
  const names = distinctTables(resolved.flatMap(({ stored }) => stored.counted));
  const sizes = (await tx.sizes?.read(names.filter(({ label }) => deleted.has(label)))) ?? [];
  const tables = [...deleted].map(([table, rows]): PreviewedTable => {
    const size = sizes.find((one) => one.table === table);
    const each = size === undefined ? 0 : countBytes(size) / Math.max(1, rows, size.live + size.dead);
    return { table, rows, bytes: Math.round(rows * each) };
  });
  return tables.toSorted((a, b) => b.bytes - a.bytes);
}

function sumUp(
  { name, kind, plan, stored, settingsHash }: RunPass,
  allCounts: readonly PreviewCount[],
): PreviewedPass {
  const counts = allCounts.filter(({ pass }) => pass === name);
  const list = (what: PreviewCount['what']): PreviewCount[] => counts.filter((count) => count.what === what);
  const sum = (what: PreviewCount['what']): number =>
    list(what).reduce((total, { value }) => total + (value ?? 0), 0);
  const instant = (what: PreviewCount['what'], choose = Math.min): string | null => {
    const values = list(what).flatMap(({ value }) => value ?? []);
    return values.length === 0 ? null : toIsoInstant(choose(...values));
  };
  const deleted: Record<string, number> = {};
  for (const { label, value } of list('deleted')) {
    if (value !== null && value > 0) deleted[label] = (deleted[label] ?? 0) + value;
  }
  // A pass that reports may find nothing, and says so.
  const reports = list('found').length > 0;
  return {
    name,
    kind,
    plan,
    applicable: stored !== null,
    deleted,
    moved: sum('moved'),
    held: sum('held'),
    blocked: sum('blocked'),
    undated: sum('undated'),
    reported: reports
      ? { found: sum('found'), resolved: 0, unresolved: {}, oldest: instant('oldest found') }
      : null,
    oldest: instant('oldest'),
    newest: instant('newest', Math.max),
    horizon: stored?.horizon ?? null,
    rows: sum('deleted'),
    bounds: [],
    left: [],
    settingsHash,
    ...NO_FILES,
  };
}
