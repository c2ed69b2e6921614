import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';

import type { Policy } from '../../policy/policy.ts';
import type { ReadDatabases } from './databases.ts';

/** Where answers come from. */
export interface Sources {
  readonly databases: ReadDatabases;
  readonly policies: readonly Policy[];
  readonly client: Client;
  readonly worker: Worker;
  /** The URL of the process's own exporter. */
  readonly metrics: string;
}
