import { proxyActivities } from '@temporalio/workflow';

import type { greet } from './activities.ts';

const { greet: greeting } = proxyActivities<{ greet: typeof greet }>({ startToCloseTimeout: '10s' });

/** A workflow of a host that has our plugin. */
export async function userFlow(name: string): Promise<string> {
  return greeting(name);
}

/** The host's dynamic workflow. */
export default async function anything(): Promise<string> {
  return 'from the dynamic workflow';
}
