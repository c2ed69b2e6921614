import { listInner, listOuter } from '../dialect/blockers.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { addNotes } from '../ledger/runs.ts';
import type { BatchOutcome } from '../steps/batch-step.ts';
import type { Note } from '../stored/report.ts';
import type { StoredBlocker } from '../stored/row-tree.ts';
import type { BatchShard } from './batch.ts';

/** Notes why rows stay that the database does not let go, each reason once a slice; the ledger has each once a run. */
export class BlockedRows {
  readonly #ledger: Ledger;
  readonly #noted = new Set<string>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async note(at: BatchShard, outcome: BatchOutcome): Promise<void> {
    const notes = describeBlocked(at, outcome).filter((note) => !this.#noted.has(JSON.stringify(note)));
    if (notes.length === 0) return;
    await addNotes(this.#ledger, at.key.run, notes);
    for (const note of notes) this.#noted.add(JSON.stringify(note));
  }
}

/** Why rows of a batch stay; empty if it deleted all that it could. */
export function describeBlocked(
  { passName, stored }: Pick<BatchShard, 'passName' | 'stored'>,
  { blocked = 0, isReferenced, refusals = [] }: BatchOutcome,
): Note[] {
  if (blocked === 0) return [];
  const notes = refusals.map(({ meaning, names }) => {
    const what = `pass ${passName}: rows stay that the database does not let go: ${meaning}`;
    return names === '' ? { what } : { what, here: names };
  });
  // What is left of the count is known from the pass itself: rows within its tables, or without.
  const names = listNames(isReferenced === true ? listOuter(stored) : listInner(stored));
  if (isReferenced !== true && refusals.length > 0) return notes;
  if (names.length === 0) return notes;
  const what = `pass ${passName}: rows stay that other rows reference, by a foreign key that forbids to delete them`;
  return [...notes, { what, here: names.join(', ') }];
}

function listNames(blockers: readonly StoredBlocker[]): string[] {
  return blockers.map(({ name, reference }) => `constraint ${name} of table ${reference.table.label}`);
}
