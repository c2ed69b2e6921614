import { z } from 'zod';

/** What can be switched on, in Prefect's words. */
export const ENABLED_WORDS = ['flow_runs', 'events', 'orphans'] as const;

/** A word of {@link ENABLED_WORDS}. */
export type EnabledWord = (typeof ENABLED_WORDS)[number];

const YES: ReadonlySet<unknown> = new Set(['true', '1', 'yes', 'on', 't', 'y']);
const NO: ReadonlySet<unknown> = new Set(['', 'false', '0', 'no', 'off', 'f', 'n']);

/**
 * Which parts are switched on: a boolean, a list of words, or text as Prefect takes it from the environment: `true`,
 * `1`, `false`, `0`, or words separated by commas.
 *
 * Unlike Prefect 3.6.21 and later, `false` means off and not "events only": nothing is deleted by surprise.
 */
export const EnabledSchema = z
  .preprocess(toWords, z.array(z.enum(ENABLED_WORDS)))
  .transform((words): ReadonlySet<EnabledWord> => new Set(words));

/** A boolean, or the same texts. */
export const YesNoSchema = z.preprocess((value) => {
  const words = Array.isArray(value) ? undefined : toWords(value);
  return words === ENABLED_WORDS ? true : Array.isArray(words) && words.length === 0 ? false : value;
}, z.boolean());

function toWords(value: unknown): unknown {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (text === true || YES.has(text)) return ENABLED_WORDS;
  if (text === false || NO.has(text)) return [];
  return typeof text === 'string' ? text.split(',').map((word) => word.trim()) : value;
}
