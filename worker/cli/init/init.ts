import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import type { Command } from 'commander';

import type { Session } from '../../../activities/dialect/dialect.ts';
import type { Proposal } from '../../../activities/inspect/propose/proposal.ts';
import { propose } from '../../../activities/inspect/propose/propose.ts';
import { readKnownDatabase } from '../../../activities/inspect/propose/read-database.ts';
import { listUncovered } from '../../../activities/inspect/tables-without-policy.ts';
import { Databases } from '../../../activities/ledger/databases.ts';
import { LOOK_UP_LIMITS } from '../../../activities/plan/resolve-policy.ts';
import { ValidationError, assertValid } from '../../../policy/issue.ts';
import { prefect } from '../../../policy/presets/prefect/index.ts';
import type { Setup } from '../../setup.ts';
import { findSetup, findUrlSetup } from '../../setup.ts';
import { withOnlyDatabase } from '../database.ts';
import { EXIT } from '../exit-code.ts';
import type { SetupFlags } from '../options.ts';
import { withJson } from '../options.ts';
import { countNouns, note, print, printJson } from '../output.ts';
import { renderConfig } from './render-config.ts';

interface InitFlags extends SetupFlags {
  readonly out?: string;
  readonly force: boolean;
  readonly check: boolean;
}

/** `init`: proposes a policy for a database that nobody has described yet. */
export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description(
      'read catalog and statistics of a database and write a configuration file with a proposed policy, disabled; needs no Temporal',
    )
    .option(
      '--out <file>',
      'the file to write; - is standard output (default: vacuum.config.ts, or .mts in a package of CommonJS)',
    )
    .option('--force', 'overwrite the file if it is there', false)
    .option('--check', 'write nothing; list the tables that no policy covers and nobody waived', false)
    .option('--config <file>', 'configuration file of --check (default: vacuum.config.ts of this folder)')
    .option('--url <url>', 'the database (default: VACUUM_DATABASE_URL, then the variables of the presets)')
    .option('--ledger-schema <name>', 'the schema of the ledger, which is left out (default: vacuum)')
    .action(async (flags: InitFlags) => init(flags));
  withJson(command);
}

async function init(flags: InitFlags): Promise<void> {
  if (flags.check) {
    await checkCoverage(await findSetup(flags), flags.json);
    return;
  }
  const { out = nameFile(), force, json } = flags;
  if (out !== '-' && !force && existsSync(out)) refuseFile(out);
  const proposal = await withOnlyDatabase(findUrlSetup(flags), {}, async ({ session }) =>
    proposeFor(session),
  );
  const text = renderConfig(proposal);
  if (out !== '-') writeFileSync(out, text, { flag: force ? 'w' : 'wx' });
  else if (!json) process.stdout.write(text);
  if (json) printJson(proposal);
  else if (out !== '-') printNext(out, proposal);
}

/**
 * In a package of CommonJS Node.js takes a `.ts` file for no module, and cannot import it. In one that does not say what it is, as
 * `npm install` makes it in an empty folder, Node.js warns each time.
 */
function nameFile(): string {
  const usual = 'vacuum.config.ts';
  if (existsSync(usual) || !existsSync('package.json')) return usual;
  return /"type"\s*:\s*"module"/.test(readFileSync('package.json', 'utf8')) ? usual : 'vacuum.config.mts';
}

function refuseFile(out: string): never {
  throw new ValidationError('init', [
    {
      at: '--out',
      what: `${out} is there, and it may be yours`,
      fix: 'Name another file with --out, or say --force to overwrite it',
    },
  ]);
}

async function proposeFor(session: Session): Promise<Proposal> {
  const proposal = await session.snapshot(LOOK_UP_LIMITS, async (tx) => propose(await readKnownDatabase(tx)));
  if (proposal.application !== 'prefect') return proposal;
  const others = await listUncovered(session, [prefect({ enabled: false }, {})]);
  const waived = others.map((table) => ({ table, why: 'Prefect keeps it small, or needs all of it' }));
  return { application: 'prefect', entities: [], passes: [], waived, unsolved: [] };
}

function printNext(out: string, { application, passes, waived, unsolved }: Proposal): void {
  print(
    application === 'prefect'
      ? `${out}: the preset for Prefect, disabled; it waives ${countNouns(waived.length, 'other table')}`
      : `${out}: ${countNouns(passes.filter(({ goesWith }) => goesWith === null).length, 'pass')}, disabled; it waives ${countNouns(waived.length, 'table')} and leaves ${unsolved.length} to your decision`,
  );
  if (application === 'prefect' || passes.length > 0) {
    note('Check its comments, then look at `temporal-vacuum preview`.');
  }
}

/** The tables of each database that no policy covers and nobody waived. */
async function checkCoverage(setup: Setup, json: boolean): Promise<void> {
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
