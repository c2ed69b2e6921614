import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { BundleOptions, WorkflowBundleOption } from '@temporalio/worker';

/** Our workflows alone: the folder, so that it holds for sources and for what is built from them. */
export const WORKFLOWS_PATH = fileURLToPath(new URL('../workflows', import.meta.url));
/** Our workflow beside those of a host. */
const WITH_HOST_PATH = fileURLToPath(new URL('../workflows/with-host-workflows', import.meta.url));
/** What the entry beside a host imports in the host's place. */
const HOST_MODULE = 'temporal-vacuum-host-workflows';
/** A name that every bundle with our workflow contains. */
const MARK = 'vacuum.runSlice';

type WebpackHook = NonNullable<BundleOptions['webpackConfigHook']>;

/**
 * Puts workflow `vacuum` beside the host's workflows: our entry becomes the bundle's, and an alias leads from it to
 * the host's own. No file is written. Does nothing the second time, so that a plugin may be registered twice.
 */
export function bundleWithHost<T extends Pick<BundleOptions, 'workflowsPath' | 'webpackConfigHook'>>(
  options: T,
): T {
  const host = options.workflowsPath;
  if (host === WORKFLOWS_PATH || host === WITH_HOST_PATH) return options;
  const own = options.webpackConfigHook;
  const webpackConfigHook: WebpackHook = (config) => {
    const given = own === undefined ? config : own(config);
    const alias = given.resolve?.alias;
    if (Array.isArray(alias)) {
      return {
        ...given,
        resolve: { ...given.resolve, alias: [...alias, { name: HOST_MODULE, alias: host }] },
      };
    }
    return { ...given, resolve: { ...given.resolve, alias: { ...alias, [HOST_MODULE]: host } } };
  };
  return { ...options, workflowsPath: WITH_HOST_PATH, webpackConfigHook };
}

/**
 * Refuses a bundle that was built without workflow `vacuum`: every run would be a workflow task that fails for ever.
 */
export function refuseForeignBundle(bundle: WorkflowBundleOption | undefined): void {
  if (bundle === undefined) return;
  const code = 'code' in bundle ? bundle.code : readFileSync(bundle.codePath, 'utf8');
  if (code.includes(MARK)) return;
  throw new Error(
    'VacuumPlugin: the workflowBundle given to Worker.create was built without workflow vacuum, so that no run could ' +
      'begin. Build it with bundleWorkflowCode({ workflowsPath, plugins: [vacuumPlugin] }), or give workflowsPath instead.',
  );
}
