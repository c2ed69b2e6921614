import type { Session } from './dialect.ts';

/** A session, and what closes all that was opened for it. */
export interface OpenSession {
  readonly session: Session;
  close(): Promise<void>;
}
