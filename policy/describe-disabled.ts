import type { Policy } from './policy.ts';

/** Describes that runs of a policy delete nothing, and how to enable it. */
export function describeDisabled({ name }: Pick<Policy, 'name'>): string {
  return (
    `policy ${name} is not enabled: its runs end at once and delete nothing. ` +
    'Enable it once a preview shows what you expect: with `--set enabled=true` on the command of its worker or run ' +
    'if it is a preset, else with `enabled: true` in definePolicy'
  );
}
