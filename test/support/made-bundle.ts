/** The environment variable with the bundle of our workflow that was made before the tests. Empty: each worker bundles. */
export const BUNDLE_VARIABLE = 'TEST_WORKFLOW_BUNDLE';

/** Makes workers use the bundle of {@link BUNDLE_VARIABLE}: bundling takes 2 s of a processor at each start. */
export const USE_MADE_BUNDLE = {
  NODE_OPTIONS: `--import=${new URL('print-made-bundle.ts', import.meta.url).href}`,
};
