import { countNouns } from '../../policy/count-nouns.ts';
import type { MeasureSize } from '../../policy/measure-size.ts';
import { planTables, resolveTables } from '../resolve/tables.ts';
import type { TableStep } from '../steps/table-step.ts';
import type { StoredMeasureSize } from '../stored/pass.ts';
import type { Note } from '../stored/report.ts';
import type { TableSize, VacuumBlocker } from '../stored/size.ts';
import type { TableKind } from './pass.ts';

const LOCK_MILLIS = 5_000;

const NO_SIZES: Note = { what: 'tables were not measured: this database cannot tell the sizes of tables' };

const NO_EXTENSION: Note = {
  what: 'bloat is an estimate: extension pgstattuple is not in the database, or the role may not use it. An owner can `create extension pgstattuple` and `grant pg_stat_scan_tables` to the role',
};

/** Tables, measured into the ledger. */
export const measureSizeKind: TableKind<MeasureSize, StoredMeasureSize> = {
  kind: 'measureSize',

  entities: ({ entities = [] }) => [...entities],

  resolve(pass, scope) {
    const found = resolveTables(pass, scope);
    return found === undefined ? undefined : { ...found, kind: 'measureSize', exact: pass.exact };
  },

  plan: planTables,

  preview: () => undefined,

  wantedIndexes: () => [],

  async runTable(stored, step) {
    const { session, run, pass, table, first } = step;
    if (session.sizes === undefined) return { bytes: 0, notes: first ? [NO_SIZES] : [] };
    const { size, hasBloat } = await measure(stored, step);
    const blockers = first ? (await session.sizes.readVacuumBlockers()).blockers : [];
    return {
      bytes: 0,
      notes: [...(hasBloat ? [] : [NO_EXTENSION]), ...blockers.map(toNote)],
      record: async (tx) => {
        if (size !== undefined) await tx.ledger.sizes.write(run, { pass }, [{ ...size, table: table.label }]);
      },
    };
  },
};

/** Measures one table. An exact measure can take minutes: only the signal ends it. */
async function measure(
  { exact }: StoredMeasureSize,
  { session, table, signal }: TableStep,
): Promise<{ readonly size: TableSize | undefined; readonly hasBloat: boolean }> {
  return session.snapshot({ lockMillis: LOCK_MILLIS, statementMillis: 0 }, async (tx) =>
    tx.cancelOn(signal, async () => {
      const [size] = (await tx.sizes?.read([table])) ?? [];
      if (size === undefined || !exact) return { size, hasBloat: true };
      const bloat = await tx.sizes?.measureBloat(table);
      return { size: bloat === undefined ? size : { ...size, bloat }, hasBloat: bloat !== undefined };
    }),
  );
}

/** The names of sessions, slots and roles do not cross to Temporal. */
function toNote({ kind, name, seconds, transactions, detail, fix }: VacuumBlocker): Note {
  const age = seconds === null ? '' : ` for ${Math.round(seconds)} s`;
  return {
    what: `a ${kind} holds vacuum back${age}; ${countNouns(transactions, 'transaction')} started since`,
    here: `${name}, ${detail}. ${fix}`,
  };
}
