import type { PolicyOptions } from '../../../../policy/policy.ts';
import { oldThings } from '../../../support/guarded.ts';

/** A mistake that somebody makes, and words of the message that must stop it: what is wrong, and what to do. */
export interface Planted {
  readonly mistake: string;
  /** What the policy is told otherwise than a sound one. */
  readonly policy?: Partial<PolicyOptions>;
  /** What is done to the database, after a run of a sound policy or of this one, if `after` says so. */
  readonly plant?: string;
  readonly after?: 'a sound run' | 'itself';
  readonly input?: object;
  readonly says: readonly string[];
  /** What the message says to do about it. */
  readonly fix: string;
}

/** Some limits. */
export const limits = (given: object): Partial<PolicyOptions> => ({ limits: given });

/** A policy with one pass that is told something else. */
export const pass = (options: object): Partial<PolicyOptions> => ({ passes: [oldThings(options)] });

/** What to do if a policy is blocked. */
export const ACKNOWLEDGE =
  'Make sure that this is the database to clean and that its rows may be deleted, then `temporal-vacuum acknowledge things-';

/** What to do where a run would delete too much: look at it, or set a limit. */
export const lookOrSet = (limit: string): string =>
  `and the settings of this run, or with a workflow of mode preview; the ledger keeps it, and for 24 hours runs may delete what it shows and half as much again. Or set limits.${limit}`;
