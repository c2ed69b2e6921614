import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Setup } from '../setup.ts';

/** The policy that a person named, or the only one. Throws a `ValidationError`. */
export function findPolicy({ policies }: Setup, name: string | undefined): Policy {
  const known = policies.map((policy) => policy.name).join(', ');
  if (name === undefined && policies.length === 1 && policies[0] !== undefined) return policies[0];
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy !== undefined) return policy;
  const what =
    name === undefined
      ? `no policy is named, and there are ${policies.length === 0 ? 'none' : 'several'}`
      : `there is no policy ${JSON.stringify(name)}`;
  throw new ValidationError('command', [
    { at: 'POLICY', what, fix: known === '' ? 'Declare one' : `Name one of ${known}` },
  ]);
}
