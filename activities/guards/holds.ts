import type { Mistake } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { lostHolds } from '../ledger/holds.ts';
import type { PolicyEntities } from '../plan/entities.ts';

/** Checks that each hold on a table of the policy still finds its table, which may have another name by now. */
export async function examineHolds(
  { ledger }: Pick<Database, 'ledger'>,
  { policy, entities }: { readonly policy: Policy; readonly entities: PolicyEntities },
): Promise<Mistake[]> {
  const lost = await lostHolds(ledger, policy.name, entities.names());
  return lost.map(({ id, entity }) => ({
    at: `hold ${id}`,
    what: `the table of ${entity} that it was added for is not there any more, so that it would hold nothing`,
    fix: `Look at it with \`temporal-vacuum hold list\`; add it anew for the table as it is called now, then \`temporal-vacuum hold remove ${id}\``,
  }));
}
