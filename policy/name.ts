const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What to do about a name that is none. */
export const NAME_RULE = 'Use 1 to 63 lower-case letters, digits and dashes';

/** Whether a policy, a pass or a root can have this name: it stands in workflow ids, metrics and reports. */
export function isName(name: string): boolean {
  return NAME.test(name);
}
