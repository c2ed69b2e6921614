import type { Issue } from '../../policy/issue.ts';

/**
 * What is wrong with a filter that means nothing or cannot be read, and what to do. A property is the person's own word and
 * may travel; whatever else MikroORM says stays on this machine.
 */
export function describeFilterError(
  option: string,
  message: string,
  entity: string,
  properties: readonly string[],
): Omit<Issue, 'at'> {
  const [, unknown, owner] = /not existing property ((\w+)\.[\w.]+)/.exec(message) ?? [];
  if (unknown !== undefined) {
    const known = owner === entity ? ` of ${properties.join(', ')}` : ` that ${owner} has`;
    return { what: `its ${option} names ${unknown}, which is no property`, fix: `Use one${known}` };
  }
  const dropped = /^([\w.$]+) is (?:undefined|empty)$/.exec(message)?.[1];
  if (dropped !== undefined) {
    return {
      what: `its ${option} has no value: ${message}`,
      fix: `Give ${dropped} a value, or leave it out`,
    };
  }
  if (message.endsWith('so every row would match')) {
    return {
      what: `its ${option} means nothing: ${message}`,
      fix: 'Say which rows are meant, or leave it out',
    };
  }
  if (message === 'it reads more than columns of the row itself') {
    return {
      what: `its ${option} has raw SQL, or is about a relation, and such a filter may only compare columns of ${entity}`,
      fix: `Compare properties of ${entity} that have a column, with MikroORM's operators`,
    };
  }
  if (message.includes('is not supported on')) {
    return { what: `its ${option} cannot be used: ${message}`, fix: 'Say it in another way' };
  }
  const fix = `Use the properties of ${entity} and MikroORM's operators`;
  return { what: `its ${option} cannot be read`, fix, here: message };
}
