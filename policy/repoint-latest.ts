import type { LatestPointer } from './latest-pointer.ts';
import { LatestPointerSchema } from './latest-pointer.ts';
import type { PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';

/** The options of {@link repointLatest}. */
export interface RepointLatestOptions extends PassOptions {
  /** The rows that point, made by `latestPointer`. */
  readonly pointer: LatestPointer;
}

/** A pass that repairs rows whose "latest" is deleted. */
export interface RepointLatest extends PassOptions {
  readonly kind: 'repointLatest';
  readonly pointer: LatestPointer;
}

/**
 * Repairs every row that points at a target that no longer exists: moved to the newest surviving target of its
 * group, with the copied columns; deleted only if no target of the group survives.
 */
export function repointLatest(options: RepointLatestOptions): RepointLatest {
  return Object.freeze({ ...options, kind: 'repointLatest' });
}

/** The options of the kind. */
export const RepointLatestSchema = passOptions({ pointer: LatestPointerSchema });
