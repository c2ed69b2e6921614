import type { Pass } from '../../policy/pass.ts';
import type { FileWork } from '../files/file-work.ts';
import type { Outbox } from '../sql/recording.ts';
import type { ResolvedRows } from './resolve-rows.ts';

/** What was done for a batch before its transaction. */
export type Prepared = ResolvedRows | FileWork;

/** What work outside of a transaction has to do with. */
export interface Outside {
  /** The pass as the policies of this worker have it now: functions cannot be frozen. Undefined where they have none. */
  readonly pass: Pass | undefined;
  /** The files that wait to be deleted. */
  readonly outbox: Outbox;
  /** Fires when the slice is to end: what is under way may finish, nothing more is begun. */
  readonly signal: AbortSignal;
  /** Says that the worker lives. */
  readonly heartbeat: () => void;
  /** Keeps an error for whoever looks into the worker's log at level debug. */
  readonly debug: (error: unknown) => void;
}
