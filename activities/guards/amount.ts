import { countNouns, formatCount } from '../../policy/count-nouns.ts';
import type { Issue } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../ledger/database.ts';
import { findKind } from '../passes/index.ts';
import { hasIndexOn } from '../resolve/scan-choice.ts';
import type { TableName } from '../stored/columns.ts';
import type { GuardedPass, GuardRequest, RowCount } from './guard.ts';
import { nameTable, suggestPreview } from './guard.ts';
import { describePermit, Previews } from './previews.ts';
import { examineGrowth } from './unlike-last-run.ts';

/** A sample is off by less; nearer to a limit rows are counted. */
const SAMPLE_FACTOR = 2;

/** Rows that a pass would delete from a table. */
interface Count extends RowCount {
  readonly pass: GuardedPass;
  readonly table: TableName;
}

/** Rows that all passes would delete from a table. */
interface TableCount extends RowCount {
  readonly table: TableName;
  /** What each pass would delete. */
  readonly counts: readonly Count[];
}

/** What is judged, and by what. */
interface Amount {
  readonly maxPercent: number;
  readonly counts: readonly Count[];
  readonly previews: Previews;
  /** A count that is not exact is taken for so many times more; 1 to judge. */
  readonly margin: number;
}

/**
 * Whether a run would delete too much: too much of a table, too much for what is usual, or all there is.
 *
 * First by what costs little: samples, and counting what passes with children would delete, which is less work than
 * deleting it. Only if that comes near a limit everything is counted, as a preview does, and judged by that.
 */
export async function examineAmount(database: Database, request: GuardRequest): Promise<Issue[]> {
  const { policy, passes, allowPercent } = request;
  const maxPercent = Math.max(policy.limits.maxPercent, allowPercent);
  const previews = await Previews.read(database.session, policy.name, passes);
  const withDependents = passes.filter((pass) => maxPercent < 100 && hasDependents(pass));
  const exact = withDependents.length === 0 ? [] : await countExactly(database, request, withDependents);
  const sampled = passes.filter((pass) => exact === undefined || !withDependents.includes(pass));
  const first = [...(exact ?? []), ...sampled.map(countBySample)];
  const amount = { maxPercent, previews };
  const suspicion = await judge(database, request, { ...amount, counts: first, margin: SAMPLE_FACTOR });
  if (suspicion.length === 0) return [];
  const isExact = first.every((count) => count.exact);
  const counts = isExact ? first : ((await countExactly(database, request, passes)) ?? first);
  return judge(database, request, { ...amount, counts, margin: 1 });
}

async function judge(database: Database, request: GuardRequest, amount: Amount): Promise<Issue[]> {
  const growth: Issue[] = [];
  const newest: Issue[] = [];
  const percent = await examinePercent(database, request, amount);
  for (const pass of request.passes) {
    const own = sumOwnTable(amount.counts, pass);
    if (own.rows === 0 || isPermitted(amount, own)) continue;
    const found = await examineGrowth(database, request, pass, own, amount.margin);
    growth.push(...found.map((issue) => addPermit(issue, amount, [own])));
    newest.push(...(await examineNewest(database, request, pass)));
  }
  return [...percent, ...growth, ...newest];
}

/** Counts what passes would delete one after the other, as a preview does; undefined if that takes too long. */
async function countExactly(
  database: Database,
  { catalog, budget }: GuardRequest,
  passes: readonly GuardedPass[],
): Promise<Count[] | undefined> {
  return budget.tryRead(database.session, async (tx) => {
    const query = tx.startPreview(catalog, await tx.ledger.holds.readInForce());
    for (const { name, kind, stored } of passes) {
      query.startPass(name);
      findKind(kind).preview(stored, query);
    }
    return (await query.count()).flatMap(({ pass: name, label, what, value }) => {
      const pass = passes.find((candidate) => candidate.name === name);
      const table = pass?.stored.counted.find((candidate) => candidate.label === label);
      if (pass === undefined || table === undefined || what !== 'deleted') return [];
      return [{ pass, table, rows: value ?? 0, exact: true }];
    });
  });
}

/** What the sample says that a pass would delete from its own table. */
function countBySample(pass: GuardedPass): Count {
  return { pass, table: pass.stored.table, rows: pass.plan.estimate, exact: false };
}

/** Whether other rows are deleted with those of the pass's own table. The sample does not see them. */
function hasDependents({ stored }: GuardedPass): boolean {
  return stored.counted.length > 1 || stored.repeats === true;
}

/** Adds up the rows by table; no more than a run may delete in all. */
function sumByTable(counts: readonly Count[], maxRows: number): TableCount[] {
  const tables = new Map<string, TableCount>();
  for (const count of counts) {
    const { table, rows, exact } = count;
    if (rows === 0) continue;
    const before = tables.get(table.label) ?? { table, rows: 0, exact: true, counts: [] };
    tables.set(table.label, {
      table,
      rows: Math.min(maxRows, before.rows + rows),
      exact: before.exact && exact,
      counts: [...before.counts, count],
    });
  }
  return [...tables.values()];
}

/** Rows that a pass would delete from its own table. */
function sumOwnTable(counts: readonly Count[], pass: GuardedPass): Count {
  const { table } = pass.stored;
  const own = counts.filter((count) => count.pass === pass && count.table.label === table.label);
  return {
    pass,
    table,
    rows: own.reduce((sum, count) => sum + count.rows, 0),
    exact: own.every((count) => count.exact),
  };
}

/** Whether somebody previewed about so many rows. */
function isPermitted({ previews, margin }: Amount, { pass, table, rows, exact }: Count): boolean {
  const { permitted = -1 } = previews.findRows(pass.name, table.label) ?? {};
  return (exact ? rows : rows * margin) <= permitted;
}

/** Adds to an issue that a preview showed less. */
function addPermit(issue: Issue, { previews }: Amount, counts: readonly Count[]): Issue {
  const shown = counts.map(({ pass, table }) =>
    describePermit(pass.name, previews.findRows(pass.name, table.label)),
  );
  return { ...issue, what: `${issue.what}${shown.join('')}` };
}

/** Whether a run would delete more of a table than it may, with what foreign keys and soft children delete. */
async function examinePercent(
  database: Database,
  { policy, entities, catalog, maxRows, budget }: GuardRequest,
  amount: Amount,
): Promise<Issue[]> {
  const { maxPercent, counts: all, margin } = amount;
  if (maxPercent >= 100) return [];
  const issues: Issue[] = [];
  for (const { table, rows, exact, counts } of sumByTable(all, maxRows)) {
    const excess = counts.filter((count) => !isPermitted(amount, count));
    if (excess.length === 0) continue;
    // With so many rows the table is large enough for what would be deleted; it is counted no further.
    const enough = (100 * (exact ? rows : rows * margin)) / maxPercent;
    const most = Math.max(enough, policy.limits.smallTable);
    const found = await budget.tryRead(database.session, async (tx) => tx.tables.countUpTo(table, most));
    const there = found ?? catalog.named(table)?.rows ?? most;
    if (there >= enough || there < policy.limits.smallTable) continue;
    const percent = Math.min(100, (100 * rows) / there);
    const part = `${(Math.ceil(percent * 10) / 10).toLocaleString('en')} %`;
    const names = [...new Set(counts.map(({ pass }) => pass.name))];
    const issue = {
      at: `limit maxPercent ${maxPercent}`,
      what: `${exact ? '' : 'about '}${part} of ${nameTable(entities, table)} would be deleted, ${formatCount(rows)} of ${countNouns(there, 'row')}, by ${names.length === 1 ? 'pass' : 'passes'} ${names.join(', ')}`,
      fix: `${suggestPreview(policy)}. Or set limits.maxPercent, or give run or worker --allow-percent ${Math.ceil(percent)}`,
      here: `table ${table.label}`,
    };
    issues.push(addPermit(issue, amount, excess));
  }
  return issues;
}

/** Whether rows would expire of a table in which no row is newer than the horizon. */
async function examineNewest(
  database: Database,
  { policy, entities, catalog, budget }: GuardRequest,
  pass: GuardedPass,
): Promise<Issue[]> {
  const { allowNewest, smallTable } = policy.limits;
  const { table, ages, horizon } = pass.stored;
  if (allowNewest || findKind(pass.kind).expires !== true || mayAllExpire(policy, pass)) return [];
  if (ages === undefined || horizon === undefined) return [];
  const known = catalog.named(table);
  const isOne = ages.length === 1 && ages[0].parent === undefined;
  const isIndexed = isOne && known !== undefined && hasIndexOn(known, ages[0]);
  const allOld = await budget.tryRead(database.session, async (tx) => {
    if (await tx.tables.hasRowSince(table, ages, horizon, isIndexed)) return false;
    return (await tx.tables.countUpTo(table, smallTable)) >= smallTable;
  });
  if (allOld === false) return [];
  const name = nameTable(entities, table);
  const isSlow = allOld === undefined;
  const found = isSlow ? `looking for a row of ${name} that is` : `no row of ${name} is`;
  return [
    {
      at: 'limit allowNewest',
      what: `${found} newer than ${horizon}, the horizon of pass ${pass.name},${isSlow ? ' took too long' : ''}: a clock, a time zone or a unit that is wrong looks like that`,
      fix: `Look at the newest rows and at the age of the pass; ${isSlow ? 'give the age an index, or ' : ''}if nothing newer is right, set allowNewest of the pass, or limits.allowNewest, to true. ${suggestPreview(policy)}`,
    },
  ];
}

/** A retention of less than an hour is for rows that have their own end of use. */
function mayAllExpire({ passes }: Policy, { name }: GuardedPass): boolean {
  const pass = passes.find((known) => known.name === name);
  return pass !== undefined && 'allowShort' in pass && (pass.allowShort || pass.allowNewest);
}
