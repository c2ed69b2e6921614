import type { Mistake } from '../../policy/mistake.ts';
import type { Database } from '../database/database.ts';
import { lostHolds } from '../ledger/holds.ts';

/** Whether all that is held can be held: the table of a hold may have another name by now. */
export async function examineHolds({ ledger }: Pick<Database, 'ledger'>): Promise<Mistake[]> {
  const lost = await lostHolds(ledger);
  return lost.map(({ id, entity }) => ({
    at: `hold ${id}`,
    what: `the table of ${entity} that it was added for is not there any more, so that it would hold nothing`,
    fix: `Look at it with \`temporal-vacuum hold list\`; add it anew for the table as it is called now, then \`temporal-vacuum hold remove ${id}\``,
  }));
}
