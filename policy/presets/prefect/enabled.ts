/** What can be switched on, in Prefect's words. */
export const ENABLED_WORDS = ['flow_runs', 'events', 'orphans'] as const;

/** A word of {@link ENABLED_WORDS}. */
export type EnabledWord = (typeof ENABLED_WORDS)[number];

const YES = new Set(['true', '1', 'yes', 'on', 't', 'y']);
const NO = new Set(['', 'false', '0', 'no', 'off', 'f', 'n']);

/**
 * Which parts are switched on, from a boolean, a list of words, or text as Prefect takes it from the environment:
 * `true`, `1`, `false`, `0`, or words separated by commas. Undefined where it cannot be read.
 *
 * Unlike Prefect 3.6.21 and later, `false` means off and not "events only": nothing is deleted by surprise.
 */
export function parseEnabled(value: unknown): ReadonlySet<EnabledWord> | undefined {
  if (typeof value === 'boolean') return new Set(value ? ENABLED_WORDS : []);
  if (Array.isArray(value)) return parseWords(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim().toLowerCase();
  if (YES.has(text)) return new Set(ENABLED_WORDS);
  if (NO.has(text)) return new Set();
  return parseWords(text.split(',').map((word) => word.trim()));
}

function parseWords(words: readonly unknown[]): ReadonlySet<EnabledWord> | undefined {
  const known = words.filter((word): word is EnabledWord => ENABLED_WORDS.includes(word as EnabledWord));
  return known.length === words.length ? new Set(known) : undefined;
}
