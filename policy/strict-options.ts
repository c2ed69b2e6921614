import type { EntityName } from '@mikro-orm/core';
import { z } from 'zod';

import { findNearest } from './suggest-name.ts';
import { formatValue, unknownOption, withFix } from './zod-issues.ts';

/** What is wrong with an option that nobody reads. `place` is the object that has it. */
type DescribeUnknown = (place: string, key: string) => string;

/** Options that others of its kind have, each with what to do without it. */
export type Substitutes = ReadonlyMap<string, string>;

/**
 * An object that may have no other options. A misspelt option, or one at the wrong place, would be read by nobody, and
 * the policy would mean something else than it says. The fix names its substitute, else the option whose name is nearest.
 */
export function strictOptions<Shape extends z.ZodRawShape>(
  shape: Shape,
  describe: DescribeUnknown = (place, key) => `${place} has ${JSON.stringify(key)}, which nobody reads`,
  substitutes: Substitutes = new Map(),
): z.ZodObject<Shape, z.core.$catchall<z.ZodType<never>>> {
  const known = Object.keys(shape).filter((name) => name !== 'kind');
  const unknown = unknownOption(
    (path) => describe(findBatchTarget(path), String(path.at(-1))),
    (key) => substitutes.get(key) ?? suggestOption(key, known),
  );
  return z.object(shape, { error: `Use an object with some of ${known.join(', ')}` }).catchall(unknown);
}

/** The object that has an option, as a person calls it. */
function findBatchTarget(path: readonly PropertyKey[]): string {
  return path.length < 2 ? 'it' : z.core.toDotPath(path.slice(0, -1));
}

/** What to do about a name that is none of some. */
export function suggestOption(name: string, known: readonly string[]): string {
  const all = `Use some of ${known.join(', ')}`;
  const nearest = findNearest(name, known);
  return nearest === undefined ? all : `Write ${nearest} if that is meant; else u${all.slice(1)}`;
}

/** An option that is true or false. The text 'false', as it comes from the environment, would count as true. */
export const FlagSchema = withFix(
  z.boolean(),
  'Use true or false without quotes',
  (option, value) => `${option} is ${formatValue(value)}, which is neither true nor false`,
);

/** The name of a property. */
export const PropertySchema = withFix(
  z.string().min(1),
  'Name a property of the entity',
  (option, value) => `${option} is ${formatValue(value)}, which names no property`,
);

/** How a key is compared with a property of another type. */
export const AsSchema = withFix(z.literal('text'), "Use 'text', or leave it out");

/** An entity: a class, or what `defineEntity` returns. An import that is not there is undefined. */
export const EntitySchema = withFix(
  z.custom<EntityName>(
    (entity) => typeof entity === 'function' || (typeof entity === 'object' && entity !== null),
  ),
  'Give it the class, or what defineEntity returned; check its import',
  (option, value) => `${option} is ${formatValue(value)}, which is no entity`,
);

/** A list of names. */
export const NamesSchema = withFix(
  z.array(z.string()),
  'Use a list of names',
  (option, value) => `${option} is ${formatValue(value)}, which is no list of names`,
);

/** A list of what a schema describes. Reports what is wrong with each. */
export function listSchema<T>(schema: z.ZodType<T>): z.ZodArray<z.ZodType<T>> {
  return z.array(schema, { error: 'Use a list' });
}
