import type { Issue } from '../../policy/issue.ts';
import { describeIssue, listIssues } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Catalog } from '../dialect/catalog.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import { isTimeout } from '../dialect/read-error.ts';
import { findKind } from '../passes/index.ts';
import type { PolicyEntities } from '../resolve/entities.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { RunPass } from '../stored/run.ts';

/** A pass that deletes rows. */
export type GuardedPass = RunPass & { readonly stored: StoredPass };

/** Whether guards check a pass: it is applicable and deletes rows. */
export function isGuarded(pass: RunPass): pass is GuardedPass {
  return pass.stored !== null && pass.stored.counted.length > 0;
}

/** Tables that the passes of a run believe: their own, and others whose rows decide. With repetitions. */
export function listEvidence(passes: readonly RunPass[]): TableName[] {
  return passes.flatMap(({ kind: name, stored }) => {
    const kind = findKind(name);
    // A pass that works on whole tables does the same whatever their rows are.
    if (stored === null || !('runBatch' in kind)) return [];
    return [stored.table, ...(kind.evidence?.(stored) ?? [])];
  });
}

/** A run that asks to start, with what it is allowed to do. */
export interface GuardRequest {
  readonly policy: Policy;
  readonly entities: PolicyEntities;
  readonly catalog: Catalog;
  /** The passes that delete rows. */
  readonly passes: readonly GuardedPass[];
  /** See {@link listEvidence}. */
  readonly evidence: readonly TableName[];
  /** The most rows that the run deletes in all; Infinity without a limit. */
  readonly maxRows: number;
  /** Percent of a table, by `--allow-percent`; 0 without it. */
  readonly allowPercent: number;
  /** The number of the last run that Temporal knows; 0 if it knows none. */
  readonly lastRun: number;
  readonly budget: QueryBudget;
}

/** A number of rows, counted or taken from a sample. */
export interface RowCount {
  readonly rows: number;
  readonly exact: boolean;
}

/** Names a table by its entity. A table's own name must not travel. */
export function nameTable(entities: PolicyEntities, table: TableName): string {
  const entity = entities.findEntityName(table);
  return entity === undefined ? 'a table that is deleted along by a foreign key' : `entity ${entity}`;
}

/** Tells a person how a run goes ahead that is larger than usual: see `PERMITTED_FACTOR`. */
export function suggestPreview({ name }: Policy): string {
  return (
    `If that is meant: look at it with \`temporal-vacuum preview ${name}\` and the settings of this run, ` +
    'or with a workflow of mode preview; the ledger keeps it, and for 24 hours runs may delete what it shows and half as much again'
  );
}

/** The options of a {@link QueryBudget}. */
interface QueryBudgetOptions {
  /** How long one query may take, in milliseconds. Default: a minute. */
  readonly eachMillis?: number;
  /** How long all may take together, in milliseconds. Default: three minutes. */
  readonly allMillis?: number;
  /** Ends a query on the server too. */
  readonly signal?: AbortSignal;
}

/** A query gets so much also if no time is left, since most need no more. */
const MIN_MILLIS = 100;
const LOCK_MILLIS = 5_000;

/** How long the guards of a run may read tables: a run that never starts keeps no database small. */
export class QueryBudget {
  readonly #eachMillis: number;
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ eachMillis = 60_000, allMillis = 180_000, signal }: QueryBudgetOptions = {}) {
    this.#eachMillis = eachMillis;
    this.#until = performance.now() + allMillis;
    this.#signal = signal;
  }

  /** Reads on a snapshot of its own; returns undefined if a statement takes too long. */
  async tryRead<T>(session: Session, work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    const left = Math.max(MIN_MILLIS, this.#until - performance.now());
    const statementMillis = Math.ceil(Math.min(this.#eachMillis, left));
    try {
      return await session.snapshot({ lockMillis: LOCK_MILLIS, statementMillis }, async (tx) =>
        tx.cancelOn(this.#signal, async () => work(tx)),
      );
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!isTimeout(error)) throw error;
      return undefined;
    }
  }
}

/**
 * Guards stop a run before its first batch. `at`, `what` and `fix` of each may travel through Temporal, `here` stays on
 * this machine, as with issues. Here nothing is wrong with what a person wrote.
 */
export class GuardsError extends Error {
  override readonly name = 'GuardsError';
  readonly wireMessage: string;
  /** Its number in the ledger. */
  readonly run: number;

  constructor(policy: string, triggered: readonly Issue[], run: number) {
    super(describeAll(policy, triggered, true));
    this.run = run;
    this.wireMessage = describeAll(policy, triggered, false);
  }
}

/** One guard in a line: what triggered it and what to do. */
export function describeGuard(guard: Issue, local: boolean): string {
  return `${guard.at}: ${describeIssue(guard, local)}. ${guard.fix}.`;
}

/** All of them, however many are alike: no command lists them again. */
function describeAll(policy: string, triggered: readonly Issue[], local: boolean): string {
  const count = triggered.length === 1 ? 'a guard' : `${triggered.length} guards`;
  return `${count} stopped the run of policy ${policy} before its first batch, nothing was deleted:\n${listIssues(triggered, local, true)}`;
}
