import type { Policy } from '../../policy/policy.ts';
import type { Setup } from '../setup.ts';
import type { TemporalOptions } from '../temporal.ts';
import type { SetupFlags } from './options.ts';

type Flags = Partial<SetupFlags & TemporalOptions> & { readonly id?: string | undefined };

/** Returns the command of a worker for all policies of a setup, as somebody can paste it. */
export function workerCommand({ policies }: Pick<Setup, 'policies'>, flags: Flags): string {
  // A worker of one policy fails the runs of the others on its task queue.
  return wholeCommand('worker', policies.length === 1 ? policies[0] : undefined, { ...flags, id: undefined });
}

/**
 * Returns a command that somebody can paste after the one that they typed: with its policy and its options. The URL is left
 * out, as it may have a password.
 */
export function wholeCommand(words: string, policy: Pick<Policy, 'name'> | undefined, flags: Flags): string {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['--config', flags.config],
    ['--preset', flags.preset],
    ...(flags.set ?? []).map((pair) => ['--set', pair] as const),
    ['--ledger-schema', flags.ledgerSchema],
    ['--address', flags.address],
    ['--namespace', flags.namespace],
    ['--task-queue', flags.taskQueue],
    ['--id', flags.id],
  ];
  const options = given.flatMap(([option, value]) => (value === undefined ? [] : [option, quote(value)]));
  return ['temporal-vacuum', words, ...(policy === undefined ? [] : [policy.name]), ...options].join(' ');
}

/** A word as a shell reads it. */
function quote(word: string): string {
  return /^[\w.,:/=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
