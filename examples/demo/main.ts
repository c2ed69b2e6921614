import { parseArgs } from 'node:util';

import { withoutOwnSettings } from '../../test/support/own-settings.ts';
import { note, print, strong } from '../../worker/cli/output.ts';
import { demoEnvironment, type } from './commands.ts';
import { describeFailure } from './describe-failure.ts';
import { startPostgres } from './postgresql.ts';
import { countTables, printProof } from './proof.ts';
import { makeFile } from './sqlite.ts';
import type { Stage } from './stage.ts';
import { setStage } from './stage.ts';
import { printSurvivors } from './survivors.ts';
import { watchRun } from './watch.ts';

interface DemoOptions {
  readonly sqlite: boolean;
  /** How many flow runs the database has. Default: 20,000, in a SQLite file 4,000. */
  readonly runs: number | undefined;
}

/**
 * `npm run demo`, with `-- --sqlite` on a SQLite file: a Prefect-shaped database, a Temporal server, a worker and a schedule; one run that the schedule
 * starts; what it deleted, counted two ways. `--runs 1000` fills the database with so many flow runs. Stays up while a person looks around; without a
 * terminal it ends by itself.
 */
async function demo({ sqlite, runs }: DemoOptions): Promise<void> {
  process.env = withoutOwnSettings(process.env);
  const asked = askedToLeave();
  const stage = await setStage(async () => (sqlite ? makeFile(runs) : startPostgres(runs)));
  try {
    const end = await Promise.race([play(stage), asked]);
    if (end !== 'leave' && process.stdout.isTTY) await stay(stage, asked);
  } finally {
    await stage.clear();
  }
}

/** Throws an error whose message says which option is wrong. */
function readOptions(): DemoOptions {
  const { values } = parseArgs({
    options: { sqlite: { type: 'boolean', default: false }, runs: { type: 'string' } },
  });
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  if (runs !== undefined && !(Number.isSafeInteger(runs) && runs >= 100))
    throw new Error(`--runs must be a whole number of at least 100, not "${values.runs}"`);
  return { sqlite: values.sqlite, runs };
}

async function play(stage: Stage): Promise<void> {
  const before = await countTables(stage.database);

  title(
    'What a run would delete now: kept in the ledger, since a run that takes most of a table must have been looked at',
  );
  await type(stage, 'ledger', 'migrate');
  await type(stage, 'preview', 'prefect');

  title('A schedule in place of a loop, and a run that it starts now');
  await type(stage, 'schedule', 'apply', 'prefect');
  await type(stage, 'schedule', 'trigger', 'prefect');
  const run = await watchRun(stage, 'vacuum-prefect');
  await type(stage, 'history', String(run));

  title('Counted in the tables before and after, and what the ledger says was deleted');
  if (!(await printProof(stage.database, run, before))) process.exitCode = 1;

  title('What stays, and why');
  await printSurvivors(stage.database);

  title('Temporal UI');
  print(stage.uiUrl);
}

async function stay(stage: Stage, asked: Promise<unknown>): Promise<void> {
  title('Look around: in another terminal, in this folder');
  for (const [name, value] of Object.entries(demoEnvironment(stage))) print(`export ${name}=${value}`);
  print('npm run -s vacuum -- doctor prefect');
  print('npm run -s vacuum -- schedule show prefect');
  print('\nCtrl-C ends it all and leaves nothing behind.');
  await asked;
}

/** Resolves at the first signal that asks for the end. The later ones find it under way, also that of a closed terminal. */
async function askedToLeave(): Promise<'leave'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve('leave'));
  });
}

function title(text: string): void {
  print(`\n${strong(text)}\n`);
}

let options: DemoOptions;
try {
  options = readOptions();
} catch (error) {
  note(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
try {
  await demo(options);
} catch (error) {
  note(`\n${describeFailure(error)}`);
  process.exitCode = 1;
}
