import type { Command } from 'commander';

import { EXIT_CODES } from './exit-code.ts';
import { createProgram } from './program.ts';

const WIDTH = 110;

/** The generated part of `docs/commands.md`: the help of every command and what exit codes mean. */
export function describeCommands(): string {
  const program = createProgram('');
  const codes = EXIT_CODES.map(([code, says]) => `- \`${code}\` ${says}`);
  return ['## Exit codes', '', ...codes, '', ...leavesOf(program).flatMap(describe)].join('\n');
}

function describe({ command, name }: Leaf): string[] {
  command.configureOutput({ getOutHelpWidth: () => WIDTH });
  return [`## ${name}`, '', '```text', command.helpInformation().trimEnd(), '```', ''];
}

interface Leaf {
  readonly command: Command;
  readonly name: string;
}

/** The commands that do something, by their whole names. */
function leavesOf(parent: Command, path = ''): Leaf[] {
  return parent.commands.flatMap((command) => {
    const name = `${path}${command.name()}`;
    return command.commands.length > 0 ? leavesOf(command, `${name} `) : [{ command, name }];
  });
}
