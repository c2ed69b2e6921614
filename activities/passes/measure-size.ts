import type { MeasureSize } from '../../policy/measure-size.ts';
import type { Note } from '../ledger/notes.ts';
import { writeSizes } from '../ledger/sizes.ts';
import { freezeTables, planTables } from '../plan/freeze-tables.ts';
import type { Scope } from '../plan/scope.ts';
import { cancelledBy } from '../sql/cancel.ts';
import type { Hindrance } from '../sql/hindrances.ts';
import { readHindrances } from '../sql/hindrances.ts';
import { findPgstattuple, readExactBloat, readSizes } from '../sql/sizes.ts';
import type { TableSize } from '../sql/sizes.ts';
import { inSnapshot } from '../sql/transaction.ts';
import type { FrozenTablePass, TableOutcome, TableStep, TableWork } from './pass.ts';

/** A `measureSize` pass as a run keeps it. */
export interface FrozenMeasureSize extends FrozenTablePass {
  readonly kind: 'measureSize';
  readonly exact: boolean;
}

const LOCK_MILLIS = 5_000;

/** Tables, measured into the ledger. */
export const measureSizeWork: TableWork<MeasureSize, FrozenMeasureSize> = {
  kind: 'measureSize',

  freeze(pass: MeasureSize, scope: Scope): FrozenMeasureSize | undefined {
    const found = freezeTables(pass, scope);
    return found === undefined ? undefined : { ...found, kind: 'measureSize', exact: pass.exact };
  },

  plan: planTables,

  preview: () => undefined,

  async runTable(frozen: FrozenMeasureSize, step: TableStep): Promise<TableOutcome> {
    const { database, run, pass, table } = step;
    const { size, missing } = await measure(frozen, step);
    const hindrances = step.first ? await readHindrances(database.db) : { hindrances: [], hidden: false };
    return {
      bytes: 0,
      notes: [...(missing ? [NO_EXTENSION] : []), ...hindrances.hindrances.map(noteOf)],
      keep: async (tx) =>
        writeSizes(
          tx,
          database.ledger,
          run,
          { pass },
          size === undefined ? [] : [{ ...size, table: table.label }],
        ),
    };
  },
};

/** One table; what is measured exactly can take minutes, and has no limit but the signal. */
async function measure(
  { exact }: FrozenMeasureSize,
  { database: { db }, table, signal }: TableStep,
): Promise<{ size: TableSize | undefined; missing: boolean }> {
  return inSnapshot(db, { lockMillis: LOCK_MILLIS, statementMillis: 0 }, async (tx) =>
    cancelledBy(signal, db, tx, async () => {
      const [size] = await readSizes(tx, [table]);
      const schema = exact ? await findPgstattuple(tx) : undefined;
      if (size === undefined || schema === undefined) return { size, missing: exact && schema === undefined };
      return { size: { ...size, bloat: await readExactBloat(tx, schema, table) }, missing: false };
    }),
  );
}

const NO_EXTENSION: Note = {
  what: 'bloat is an estimate: extension pgstattuple is not in the database, or the role may not use it. An owner can `create extension pgstattuple` and `grant pg_stat_scan_tables` to the role',
};

/** Sessions, slots and roles are of this machine's side. */
function noteOf({ kind, name, seconds, transactions, detail, fix }: Hindrance): Note {
  const age = seconds === null ? '' : ` for ${Math.round(seconds)} s`;
  return {
    what: `a ${kind} holds vacuum back${age}; ${transactions} transactions began since`,
    here: `${name}, ${detail}. ${fix}`,
  };
}
