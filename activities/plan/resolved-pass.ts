import type { Pass } from '../../policy/pass.ts';
import type { StoredPass } from '../stored/pass.ts';

/** A pass with every name looked up, and the one it was made from. */
export interface ResolvedPass {
  readonly pass: Pass;
  readonly stored: StoredPass;
}
