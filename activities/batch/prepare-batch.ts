import type { Database } from '../database/database.ts';
import type { Cursor, Outside, Prepared } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import type { BatchPlace } from './run-batch.ts';

/** Does what the kind of pass has to do before a batch, outside of its transaction; nothing for most kinds. */
export async function prepareBatch(
  { db }: Pick<Database, 'db'>,
  { frozen }: Pick<BatchPlace, 'frozen'>,
  cursor: Cursor,
  outside: Outside,
): Promise<Prepared | undefined> {
  const work = workOf(frozen.kind);
  return 'prepare' in work ? work.prepare(frozen, db, cursor, outside) : undefined;
}
