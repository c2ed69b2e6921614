import type { Command } from 'commander';

import { EXIT_CODES } from './exit-code.ts';
import { createProgram } from './program.ts';

const WIDTH = 110;

/** Generates a part of `docs/commands.md`: the help of each command and the exit codes. */
export async function describeCommands(): Promise<string> {
  const program = await createProgram('');
  const codes = EXIT_CODES.map(([code, meaning]) => `- \`${code}\` ${meaning}`);
  return ['## Exit codes', '', ...codes, '', ...listCommands(program).flatMap(describe)].join('\n');
}

function describe({ command, name }: NamedCommand): string[] {
  command.configureOutput({ getOutHelpWidth: () => WIDTH });
  return [`## ${name}`, '', '```text', command.helpInformation().trimEnd(), '```', ''];
}

interface NamedCommand {
  readonly command: Command;
  readonly name: string;
}

/** Lists the commands that have no subcommands, with their full names. */
function listCommands(parent: Command, path = ''): NamedCommand[] {
  return parent.commands.flatMap((command) => {
    const name = `${path}${command.name()}`;
    return command.commands.length > 0 ? listCommands(command, `${name} `) : [{ command, name }];
  });
}
