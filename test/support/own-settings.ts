/** Variables for a real Prefect, Temporal or vacuum of the person whose machine this is. */
const OWN = /^(PREFECT_|TEMPORAL_(?!CLI$)|VACUUM_|NODE_OPTIONS$)/;

/** The environment without what a person has set for their own servers: it has no place in a test or a demo. */
export function withoutOwnSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !OWN.test(name)));
}
