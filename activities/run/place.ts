import { activityInfo, getClient } from '@temporalio/activity';

/** The id of the workflow that asked for this activity. */
export function ownWorkflowId(): string {
  const id = activityInfo().workflowExecution?.workflowId;
  if (id === undefined) throw new Error('the vacuum runs as activities of a workflow only');
  return id;
}

/**
 * The Temporal that runs this activity: cluster and namespace. A lease can only be asked for at the Temporal that
 * knows its workflow.
 */
export async function findPlace(): Promise<string> {
  const { clusterId } = await getClient().workflowService.getClusterInfo({});
  return `${clusterId || 'unknown cluster'}/${activityInfo().namespace}`;
}
