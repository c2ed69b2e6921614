import { z } from 'zod';

import { formatValue, withFix } from '../../zod-issues.ts';

/** A setting, with what to do about a value that cannot be used. */
export function setting<T>(schema: z.ZodType<T>, fix: string): z.ZodType<T> {
  return withFix(schema, fix, (_, value) => `${formatValue(value)} cannot be used`);
}

/** A number, or its text. */
export function numberIn(schema: z.ZodType<number>): z.ZodType<number> {
  return z.preprocess(
    (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
    schema,
  );
}

/** A text that is not blank. */
export const TextSchema = z.string().regex(/\S/);
