// The entry of a bundle that has the host's workflows and ours. The bundler of a worker with our plugin puts the
// host's own entry in the place of the name (`worker/bundle.ts`).
// @ts-expect-error The module exists only while bundling.
export * from 'temporal-vacuum-host-workflows';
export { vacuum } from '../vacuum.ts';

// @ts-expect-error The module exists only while bundling.
import * as host from 'temporal-vacuum-host-workflows';

/** The host's dynamic workflow. A CommonJS entry arrives as the default of its namespace. */
const { default: given } = host as { default?: unknown };
export default typeof given === 'object' && given !== null && 'default' in given ? given.default : given;
