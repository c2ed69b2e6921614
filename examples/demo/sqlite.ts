import { fillPrefectFile } from '../../test/support/prefect/fill-file.ts';
import { createFile } from '../../test/support/sqlite.ts';
import { note } from '../../worker/cli/output.ts';
import type { DemoDatabase } from './database.ts';
import { sizeFor } from './database.ts';

/** Makes a SQLite file as a Prefect server has it, and fills it with so many flow runs. */
export async function makeFile(runs = 4000): Promise<DemoDatabase> {
  note(`making a SQLite file with ${runs} flow runs and all that hangs on them`);
  const file = createFile('');
  try {
    fillPrefectFile(file, sizeFor(runs));
  } catch (error) {
    file.drop();
    throw error;
  }
  return {
    url: file.url,
    rows: async <T extends object>(text: string) => file.rows<T>(text),
    sumBatches: async (run) =>
      file.rows(
        `select j.key as label, sum(j.value) as deleted
         from vacuum_batch as b, json_each(b.deleted) as j
         where b.run_id = ?
         group by j.key`,
        [run],
      ),
    remove: async () => file.drop(),
  };
}
