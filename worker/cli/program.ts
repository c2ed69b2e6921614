import { Command } from 'commander';

import { addCompletion } from './completion.ts';
import { EXIT_CODES } from './exit-code.ts';
import { note } from './output.ts';

/**
 * What adds each command to the program, one file a command, in the order of the help. Only what the
 * typed one needs of Temporal and MikroORM is loaded: `history` starts in 0.28 s of processor time, and took 0.64 with all.
 */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  init: async () => (await import('./init/init.ts')).addInit,
  preview: async () => (await import('./preview.ts')).addPreview,
  run: async () => (await import('./run.ts')).addRun,
  worker: async () => (await import('./worker.ts')).addWorker,
  schedule: async () => (await import('./schedule.ts')).addSchedule,
  pause: async () => (await import('./pause-resume-stop.ts')).addPause,
  resume: async () => (await import('./pause-resume-stop.ts')).addResume,
  stop: async () => (await import('./pause-resume-stop.ts')).addStop,
  history: async () => (await import('./history.ts')).addHistory,
  explain: async () => (await import('./explain.ts')).addExplain,
  stats: async () => (await import('./stats.ts')).addStats,
  acknowledge: async () => (await import('./acknowledge.ts')).addAcknowledge,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  hold: async () => (await import('./hold.ts')).addHolds,
  ledger: async () => (await import('./ledger.ts')).addLedger,
};

/**
 * Creates the command line. Commands throw errors, and `main.ts` prints them. Has only the command that `typed` names, and
 * all of them if it names none.
 */
export async function createProgram(version: string, typed?: string): Promise<Command> {
  const program = new Command('temporal-vacuum')
    .description('Keeps databases small: retention policies run by a durable Temporal workflow.')
    .version(version)
    .showHelpAfterError('Use --help for a list of commands and options.')
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}`,
    )
    .exitOverride()
    .hook('preAction', (_program, command) => warnAboutUrl(command.opts()['url']));
  const isCommand = Object.hasOwn(COMMANDS, typed ?? '');
  for (const [name, load] of Object.entries(COMMANDS)) {
    if (!isCommand || name === typed) (await load())(program);
  }
  addCompletion(program);
  return overrideExits(program);
}

function overrideExits(command: Command): Command {
  command.exitOverride();
  command.commands.forEach(overrideExits);
  return command;
}

/** Warns if `--url` has a password, because everybody on the machine can read the arguments of a process. */
function warnAboutUrl(url: unknown): void {
  if (typeof url !== 'string' || !hasPassword(url)) return;
  note(
    'the password in --url can be read by everybody on this machine (`ps`): ' +
      'put the URL into VACUUM_DATABASE_URL or a file .env, or the password into PGPASSWORD',
  );
}

function hasPassword(url: string): boolean {
  return /^[^/]*\/\/[^/@]*:[^/@]+@/.test(url) || /[?&]password=[^&]/.test(url);
}
