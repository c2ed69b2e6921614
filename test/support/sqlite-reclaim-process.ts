import { openDatabase } from '../../activities/ledger/database.ts';
import type { ReclaimMode } from '../../policy/reclaim-space.ts';

// A process that gives the space of a file back until somebody kills it: `node sqlite-reclaim-process.ts URL MODE`.

const [url = '', mode] = process.argv.slice(2);
const { session, close } = await openDatabase(url);
const plan = await session.reclaim?.planWhole?.(mode as ReclaimMode);
if (plan === undefined) throw new Error('the space of the file cannot be given back');
process.stdout.write('working\n');
await session.reclaim?.run(async (own) => {
  await own.reclaim(mode as ReclaimMode, plan.table, new AbortController().signal);
});
process.stdout.write('done\n');
await close();
