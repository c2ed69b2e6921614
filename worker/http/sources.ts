import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';

import type { Policy } from '../../policy/policy.ts';
import type { ReadDatabases } from './databases.ts';

/** The sources of the responses. */
export interface Sources {
  readonly databases: ReadDatabases;
  readonly policies: readonly Policy[];
  readonly client: Client;
  readonly worker: Worker;
  /** The URL of the Prometheus exporter of this process. */
  readonly metrics: string;
  /** The address of the Temporal UI, without a slash at its end. Undefined if it is unknown. */
  readonly temporalUi: string | undefined;
  /** Whether this server accepts signals. */
  readonly canSteer: boolean;
}
