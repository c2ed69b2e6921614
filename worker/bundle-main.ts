import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

import { WORKFLOWS_PATH } from './bundle.ts';

// Writes the bundle of our workflow to standard output: see `bundle-in-child.ts`.
const { code } = await bundleWorkflowCode({
  workflowsPath: WORKFLOWS_PATH,
  logger: new DefaultLogger('ERROR'),
});
process.stdout.write(code);
