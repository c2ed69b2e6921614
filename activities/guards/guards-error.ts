import type { Mistake } from '../../policy/mistake.ts';
import { sayWhat } from '../../policy/mistake.ts';

/**
 * Guards stop a run before its first batch. `at`, `what` and `fix` of each may travel through Temporal, `here` stays on
 * this machine, as with mistakes: only that nothing is wrong with what anybody wrote.
 */
export class GuardsError extends Error {
  override readonly name = 'GuardsError';
  readonly wireMessage: string;

  constructor(policy: string, tripped: readonly Mistake[]) {
    super(sayAll(policy, tripped, true));
    this.wireMessage = sayAll(policy, tripped, false);
  }
}

/** One guard in a line: what tripped it and what to do. */
export function sayTripped(guard: Mistake, local: boolean): string {
  return `${guard.at}: ${sayWhat(guard, local)}. ${guard.fix}.`;
}

function sayAll(policy: string, tripped: readonly Mistake[], local: boolean): string {
  const count = tripped.length === 1 ? 'a guard' : `${tripped.length} guards`;
  const lines = tripped.map((guard) => `  - ${sayTripped(guard, local)}`);
  return `${count} stopped the run of policy ${policy} before its first batch, nothing was deleted:\n${lines.join('\n')}`;
}
