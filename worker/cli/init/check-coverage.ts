import { listUncovered } from '../../../activities/inspect/uncovered.ts';
import { Databases } from '../../../activities/ledger/databases.ts';
import { assertValid } from '../../../policy/issue.ts';
import type { Setup } from '../../setup.ts';
import { withOnlyDatabase } from '../database.ts';
import { EXIT } from '../exit-code.ts';
import { note, print, printJson } from '../output.ts';

/** The tables of each database that no policy covers and nobody waived. */
export async function checkCoverage(setup: Setup, json: boolean): Promise<void> {
  const known = new Databases(setup.databases, setup.ledgerSchema);
  for (const policy of setup.policies) {
    assertValid(`policy ${JSON.stringify(policy.name)}`, known.check(policy));
  }
  const uncovered: Record<string, string[]> = {};
  for (const name of Object.keys(setup.databases)) {
    const policies = setup.policies.filter((policy) => known.nameFor(policy) === name);
    const tables = await withOnlyDatabase(setup, { database: name }, async ({ session }) =>
      listUncovered(session, policies),
    );
    uncovered[name] = tables.filter((table) => !Object.hasOwn(setup.waived ?? {}, table));
  }
  if (json) printJson(uncovered);
  else printUncovered(uncovered);
  if (Object.values(uncovered).some((tables) => tables.length > 0)) process.exitCode = EXIT.failed;
}

function printUncovered(uncovered: Readonly<Record<string, readonly string[]>>): void {
  const lines = Object.entries(uncovered).flatMap(([name, tables]) =>
    tables.map((table) => `${table}  (database ${name})`),
  );
  lines.forEach(print);
  if (lines.length === 0) print('each table has a policy that covers it, or is waived');
  else {
    note(
      'No policy covers these tables. Declare a pass for each, or name it in `waived` of the configuration file, with the reason.',
    );
  }
}
