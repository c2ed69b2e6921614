import type { PolicyOptions } from '../../../../policy/policy.ts';
import { oldThings } from '../../../support/guarded.ts';

/** A mistake that somebody makes, and words of the message that must stop it. */
export interface Planted {
  readonly mistake: string;
  /** What the policy is told otherwise than a sound one. */
  readonly policy?: Partial<PolicyOptions>;
  /** What is done to the database, after a run of a sound policy or of this one, if `after` says so. */
  readonly plant?: string;
  readonly after?: 'a sound run' | 'itself';
  readonly input?: object;
  readonly says: readonly string[];
}

/** Some limits. */
export const limits = (given: object): Partial<PolicyOptions> => ({ limits: given });

/** A policy with one pass that is told something else. */
export const pass = (options: object): Partial<PolicyOptions> => ({ passes: [oldThings(options)] });

/** What a message says that asks for a person's arm. */
export const ARM = ['it is disarmed', '`temporal-vacuum arm'];
