import type { InferEntity } from '@mikro-orm/core';
import { z } from 'zod';

import { HOUR } from '../../duration.ts';
import type { RetentionOverrideOptions } from '../../retention.ts';
import type { Event } from './entities/index.ts';
import { parseJson, periodOrNever } from './periods.ts';

/** How long events of some names are kept: by name, or by a prefix that ends in `*`. Null is for ever. */
export type EventRetention = ReadonlyMap<string, number | null>;

/** Retentions by the name of events: an object, or JSON, of names and periods. */
export const EventRetentionSchema = z
  .preprocess(parseJson, z.record(z.string().min(1), periodOrNever(HOUR - 1)))
  .transform((periods): EventRetention => new Map(Object.entries(periods)));

/** Prefect's own meaning of overrides: they can shorten the general retention, never lengthen it. */
export function shortened(overrides: EventRetention, general: number): EventRetention {
  return new Map([...overrides].map(([name, period]) => [name, Math.min(period ?? general, general)]));
}

/** The overrides of the pass: whole names before prefixes, longer prefixes before shorter ones. */
export function eventOverrides(
  retention: EventRetention,
): RetentionOverrideOptions<InferEntity<typeof Event>>[] {
  const entries = [...retention].toSorted(([a], [b]) => rank(b) - rank(a));
  return entries.map(([name, olderThan]) => ({
    where: { event: isPrefix(name) ? { $like: `${escaped(name.slice(0, -1))}%` } : name },
    olderThan,
  }));
}

function isPrefix(name: string): boolean {
  return name.endsWith('*');
}

function rank(name: string): number {
  return isPrefix(name) ? name.length : Infinity;
}

/** The pattern's own signs stand for themselves. */
function escaped(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`);
}
