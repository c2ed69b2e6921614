import { proxyActivities } from '@temporalio/workflow';

import type * as activities from './activities.ts';

const { closeOrder } = proxyActivities<typeof activities>({ startToCloseTimeout: '1 minute' });

/** A workflow of the shop's own. */
export async function ship(orderId: string): Promise<string> {
  await closeOrder(orderId);
  return `order ${orderId} is shipped`;
}
