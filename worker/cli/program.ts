import { Command } from 'commander';

import { addAcknowledge } from './acknowledge.ts';
import { addCompletion } from './completion.ts';
import { addDoctor } from './doctor.ts';
import { EXIT_CODES } from './exit-code.ts';
import { addExplain } from './explain.ts';
import { addHistory } from './history.ts';
import { addHolds } from './hold.ts';
import { addInit } from './init/init.ts';
import { addLedger } from './ledger.ts';
import { addPreview } from './preview.ts';
import { addRun } from './run.ts';
import { addSchedule } from './schedule.ts';
import { addStats } from './stats.ts';
import { addSteering } from './steer.ts';
import { warnAboutUrl } from './warn-about-url.ts';
import { addWorker } from './worker.ts';

/** Creates the command line: one file a command. Commands throw errors, and `main.ts` prints them. */
export function createProgram(version: string): Command {
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
  addInit(program);
  addPreview(program);
  addRun(program);
  addWorker(program);
  addSchedule(program);
  addSteering(program);
  addHistory(program);
  addExplain(program);
  addStats(program);
  addAcknowledge(program);
  addDoctor(program);
  addHolds(program);
  addLedger(program);
  addCompletion(program);
  return overrideExits(program);
}

function overrideExits(command: Command): Command {
  command.exitOverride();
  command.commands.forEach(overrideExits);
  return command;
}
