import type { Kysely } from 'kysely';

import { parseDuration } from '../../policy/duration.ts';
import type { ReclaimMode, ReclaimSpace } from '../../policy/reclaim-space.ts';
import type { Window } from '../../policy/window.ts';
import { parseWindow } from '../../policy/window.ts';
import type { Note } from '../ledger/notes.ts';
import { hasDeletedFrom } from '../ledger/reclaims.ts';
import { freezeTables, planTables } from '../plan/freeze-tables.ts';
import type { Scope } from '../plan/scope.ts';
import { MODES } from '../reclaim/modes.ts';
import { reclaimTable, whyNot } from '../reclaim/reclaim-table.ts';
import { readSizes } from '../sql/sizes.ts';
import type { TableSize } from '../sql/sizes.ts';
import type { FrozenTablePass, TableOutcome, TableStep, TableWork } from './pass.ts';

/** A `reclaimSpace` pass as a run keeps it. */
export interface FrozenReclaimSpace extends FrozenTablePass {
  readonly kind: 'reclaimSpace';
  readonly mode: ReclaimMode;
  /** The policy names the tables: they are meant whatever the run deleted. */
  readonly named: boolean;
  readonly window: Window | null;
  readonly lockMillis: number;
  readonly retries: number;
}

const NOTHING: TableOutcome = { bytes: 0, notes: [] };

/** Space of deleted rows, given back table after table. */
export const reclaimSpaceWork: TableWork<ReclaimSpace, FrozenReclaimSpace> = {
  kind: 'reclaimSpace',

  freeze(pass: ReclaimSpace, scope: Scope): FrozenReclaimSpace | undefined {
    const found = freezeTables(pass, scope);
    if (found === undefined) return undefined;
    for (const table of found.tables) scope.mayVacuum(table);
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

  preview: () => undefined,

  async runTable(frozen: FrozenReclaimSpace, step: TableStep): Promise<TableOutcome> {
    const { database, run, pass, table, signal, policyPass } = step;
    const mode = MODES[frozen.mode];
    const key = { run, pass, table, mode: frozen.mode };
    const wish = { ...frozen, key, mode };
    const size = await sizeOf(database.db, step);
    if (size === undefined) return NOTHING;
    const meant =
      frozen.named || (await hasDeletedFrom(database.ledger, run, table.label)) || mode.worthIt(size);
    if (!meant) return NOTHING;
    const freeBytes = policyPass?.kind === 'reclaimSpace' ? policyPass.freeBytes : undefined;
    const why = await whyNot(wish, size, freeBytes);
    if (why !== undefined) return { bytes: 0, notes: [why] };
    const done = await reclaimTable(database, wish, signal);
    const unknown = mode.needs(size) > 0 && freeBytes === undefined ? [UNKNOWN_DISK] : [];
    return { ...done, notes: [...done.notes, ...unknown] };
  },
};

const UNKNOWN_DISK: Note = {
  what: 'whether the disk had room to rewrite tables was not known, since no statement can tell. Give the pass freeBytes to have it looked at',
};

async function sizeOf(db: Kysely<unknown>, { table }: TableStep): Promise<TableSize | undefined> {
  return (await readSizes(db, [table]))[0];
}
