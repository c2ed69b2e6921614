import type { Session } from '../dialect/dialect.ts';
import type { ServerAdvice } from '../dialect/facts.ts';

/** Reads what is to be told when the tables of the ledger are created: who else gets them. */
export async function listLedgerAdvice({ facts }: Pick<Session, 'facts'>): Promise<ServerAdvice[]> {
  const { advice } = await facts.readServer();
  return advice.filter(({ ofLedger }) => ofLedger === true);
}
