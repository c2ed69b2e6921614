import type { WorkflowDefinitionOptions } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';

/**
 * An open run goes on in the version that is current, whatever the default of its worker: its histories replay there, and
 * a pinned run would wait for ever for a worker that a deployment removed. Temporal refuses the declaration of a worker
 * without versions. Such a worker has no name of a deployment. The SDK asks once for each instance of the workflow, and a
 * replay gives the result of its first task: a run that began in a version needs workers with versions to its end.
 */
export function chooseVersioning(): WorkflowDefinitionOptions {
  const { currentDeploymentVersion: version } = workflowInfo();
  const isVersioned = version !== undefined && version.deploymentName !== '';
  return isVersioned ? { versioningBehavior: 'AUTO_UPGRADE' } : {};
}
