import type { Policy } from '../../policy/policy.ts';

/** How a person lets a run go ahead that is larger than usual. */
export function sayPreview({ name }: Policy): string {
  return (
    `If that is meant: look at it with \`temporal-vacuum preview ${name}\` and the settings of this run, ` +
    'or with a workflow of mode preview; the ledger keeps it, and for 24 hours runs like this one may go ahead'
  );
}
