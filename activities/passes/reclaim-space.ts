import { parseDuration } from '../../policy/duration.ts';
import { assertValid } from '../../policy/issue.ts';
import type { ReclaimSpace } from '../../policy/reclaim-space.ts';
import { parseWindow } from '../../policy/window.ts';
import type { Session } from '../dialect/dialect.ts';
import { planTables, refuseUnreclaimable, resolveTables } from '../resolve/tables.ts';
import { explainSkip, MODES, reclaimTable } from '../steps/reclaim-table.ts';
import { reclaimWhole } from '../steps/reclaim-whole.ts';
import type { TableOutcome } from '../steps/table-step.ts';
import type { StoredReclaimSpace } from '../stored/pass.ts';
import type { Note } from '../stored/report.ts';
import type { TableKind } from './pass.ts';

const NOTHING: TableOutcome = { bytes: 0, notes: [] };

const UNKNOWN_DISK: Note = {
  what: 'whether the disk had room to rewrite tables is not known, since no statement can tell. Give the pass freeBytes to have it checked',
};

const NO_RECLAIM: Note = {
  what: 'tables were left as they are: this database cannot give the space of one table back',
};

/** The last run of a session that was found to have a connection of its own: to look takes two connections and a moment. */
const checkedRuns = new WeakMap<Session, number>();

/** Space of deleted rows, given back table after table. */
export const reclaimSpaceKind: TableKind<ReclaimSpace, StoredReclaimSpace> = {
  kind: 'reclaimSpace',

  entities: ({ entities = [] }) => [...entities],

  resolve(pass, scope) {
    const found = resolveTables(pass, scope);
    if (found === undefined) return undefined;
    for (const table of found.tables) refuseUnreclaimable(table, scope);
    return {
      ...found,
      kind: 'reclaimSpace',
      mode: pass.mode,
      named: pass.entities !== undefined,
      window: parseWindow(pass.window, pass.timezone) ?? null,
      lockMillis: parseDuration(pass.lockTimeout) ?? 2_000,
      retries: pass.retries,
    };
  },

  plan: planTables,

  findConnectionProblem: async (session) => session.reclaim?.findProblem(),

  preview: () => undefined,

  wantedIndexes: () => [],

  async runTable(stored, step) {
    const { session, run, pass, table, signal, policyPass, first } = step;
    if (session.reclaim === undefined || session.sizes === undefined) {
      return { bytes: 0, notes: first ? [NO_RECLAIM] : [] };
    }
    const { reclaim } = session;
    // A run that another worker began may go on over another connection.
    if (checkedRuns.get(session) !== run) {
      const problem = await reclaim.findProblem();
      assertValid('the connection', problem === undefined ? [] : [{ at: 'database', ...problem }]);
      checkedRuns.set(session, run);
    }
    if (reclaim.planWhole !== undefined) {
      if (!first) return NOTHING;
      return reclaimWhole(stored, step, reclaim, await reclaim.planWhole(stored.mode));
    }
    const [size] = await session.sizes.read([table]);
    if (size === undefined) return NOTHING;
    const mode = MODES[stored.mode];
    const isMeant =
      stored.named || (await session.ledger.runs.hasDeletedFrom(run, table.label)) || mode.isWorthIt(size);
    if (!isMeant) return NOTHING;
    const freeBytes = policyPass?.kind === 'reclaimSpace' ? policyPass.freeBytes : undefined;
    const skip = await explainSkip(stored, table, mode.countNeededBytes(size), freeBytes);
    if (skip !== undefined) return { bytes: 0, notes: [skip] };
    const entry = { run, pass, table, mode: stored.mode };
    const outcome = await reclaimTable(session, reclaim, entry, stored, signal);
    const unknown = mode.countNeededBytes(size) > 0 && freeBytes === undefined ? [UNKNOWN_DISK] : [];
    return { ...outcome, notes: [...outcome.notes, ...unknown] };
  },
};
