import type { Outbox } from '../sql/recording.ts';
import type { Ledger } from './ledger.ts';

/** The files that wait, as a pass of a run sees them. */
export function outboxOf(ledger: Ledger, policy: string, pass: string, run: number): Outbox {
  return { table: ledger.table('file'), policy, pass, run };
}
