import { z } from 'zod';

/** An instant in ISO 8601. */
export const instant = z.string().meta({ format: 'date-time' });
/** A number of rows, bytes, files, seconds or milliseconds. */
export const count = z.number();

/** What a run can be. */
export const RunStates = [
  'running',
  'completed',
  'failed',
  'stopped',
  'stopped-by-guard',
  'cancelled',
  'terminated',
  'skipped',
  'disabled',
] as const;

/** The databases that did not respond, if others did. */
export const Missing = z
  .array(z.object({ database: z.string(), reason: z.string() }))
  .describe('Databases that did not respond, whose data is missing here; 503 if none responded');

/** The size of a table in bytes, and its rows. */
export const Size = z.object({
  heap: count,
  indexes: count,
  toast: count,
  live: count,
  dead: count.describe('Dead rows by the statistics of the server'),
});
