import { sql } from 'kysely';
import type { Kysely } from 'kysely';

import type { Ledger } from './ledger.ts';

/**
 * Something about a run that is worth knowing and no failure. `what` uses only names that a person wrote and may cross
 * to Temporal; `here` may name tables and sessions, and stays in the ledger and on the command line.
 */
export interface Note {
  readonly what: string;
  readonly here?: string;
}

/** Adds notes to a run; one that it has is not added again. In a transaction or without. */
export async function addNotes(
  db: Kysely<unknown>,
  ledger: Ledger,
  run: number,
  notes: readonly Note[],
): Promise<void> {
  for (const note of notes) {
    const added = JSON.stringify([note]);
    await sql`
      update ${ledger.table('run')}
      set notes = notes || ${added}::jsonb
      where id = ${run} and not notes @> ${added}::jsonb`.execute(db);
  }
}

/** A note as this machine may see it. */
export function sayNote({ what, here }: Note): string {
  return here === undefined ? what : `${what} (${here})`;
}
