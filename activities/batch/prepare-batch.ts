import type { Database } from '../database/database.ts';
import { outboxOf } from '../ledger/outbox.ts';
import { workOf } from '../passes/index.ts';
import type { Cursor } from './cursor.ts';
import type { Outside, Prepared } from './outside.ts';
import type { BatchPlace } from './run-batch.ts';

/** Does what the kind of pass has to do before a batch, outside of its transaction; nothing for most kinds. */
export async function prepareBatch(
  { db, ledger }: Database,
  { frozen, key, policy, passName }: BatchPlace,
  cursor: Cursor,
  outside: Omit<Outside, 'outbox'>,
): Promise<Prepared | undefined> {
  const work = workOf(frozen.kind);
  if (!('prepare' in work)) return undefined;
  const outbox = outboxOf(ledger, policy, passName, key.run);
  return work.prepare(frozen, db, cursor, { ...outside, outbox });
}
