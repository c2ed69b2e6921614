import type { Command } from 'commander';
import { Argument } from 'commander';

import { print } from './output.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof SHELLS)[number];

/** A command with the words that may follow it: subcommands, options, and choices of arguments. */
interface Completion {
  /** The words before, such as `schedule apply`. Empty for the program. */
  readonly path: string;
  readonly words: readonly string[];
}

/** `completion`: a script that completes commands and options in a shell. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .description('print a script that completes commands and options, for the start file of a shell')
    .action((shell: Shell) => {
      const completions = listCompletions(program, '');
      print(shell === 'fish' ? formatFish(completions) : formatBash(completions, shell));
    });
}

function listCompletions(command: Command, path: string): Completion[] {
  const { options, registeredArguments, commands } = command;
  const words = [
    ...commands.map((sub) => sub.name()),
    ...registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    ...options.flatMap(({ long }) => long ?? []),
    '--help',
  ];
  const below = commands.flatMap((sub) => listCompletions(sub, `${path} ${sub.name()}`.trim()));
  return [{ path, words }, ...below];
}

/** A script for bash. zsh reads the same with its own module for scripts of bash. */
function formatBash(completions: readonly Completion[], shell: Shell): string {
  const cases = completions.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_temporal_vacuum() {
  local path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${listPaths(completions)
  .map((path) => `      ' ${path}' | '${path}') path='${path}' ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _temporal_vacuum temporal-vacuum`;
}

function listPaths(completions: readonly Completion[]): string[] {
  return completions.flatMap(({ path }) => (path === '' ? [] : [path]));
}

function formatFish(completions: readonly Completion[]): string {
  return completions
    .map(({ path, words }) => {
      const names = path.split(' ').filter((name) => name !== '');
      const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
      const condition = names.length === 0 ? '__fish_use_subcommand' : seen;
      return `complete -c temporal-vacuum -n '${condition}' -a '${words.join(' ')}'`;
    })
    .join('\n');
}
