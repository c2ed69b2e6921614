import { z } from 'zod';

import { withFix } from './zod-issues.ts';

/** What a number since 1970 counts: seconds, milliseconds or microseconds. */
export const EPOCH_UNITS = { s: 'seconds', ms: 'milliseconds', us: 'microseconds' } as const;

/** See {@link EPOCH_UNITS}. */
export type EpochUnit = keyof typeof EPOCH_UNITS;

/** An {@link epoch}. */
export interface EpochAge<Property extends string = string> {
  readonly property: Property;
  readonly unit: EpochUnit;
}

/** An age of a pass: the name of a property with an instant, or an {@link epoch}. */
export type Age<Property extends string = string> = Property | EpochAge<Property>;

/**
 * For the `age` of a pass: a property with a number that counts from 1970. A number that is no instant between 1973 and
 * 2128 in this unit is no age: 0 that stands for never, or a value in another unit.
 */
export function epoch<Property extends string>(property: Property, unit: EpochUnit): EpochAge<Property> {
  return Object.freeze({ property, unit });
}

/** The property of an age. */
export function getAgeProperty(age: Age): string {
  return typeof age === 'string' ? age : age.property;
}

/** The `age` of a pass. */
export const AgeSchema = withFix(
  z
    .string()
    .min(1)
    .or(z.strictObject({ property: z.string().min(1), unit: z.enum(Object.keys(EPOCH_UNITS)) })),
  `Name a property of the entity, or say epoch('property', unit) with one of ${Object.keys(EPOCH_UNITS).join(', ')} for a number since 1970`,
  (option, value) =>
    typeof value === 'object' && value !== null
      ? `${option} is no epoch('property', unit) with a known unit`
      : `${option} is ${JSON.stringify(value)}, which names no property`,
);
