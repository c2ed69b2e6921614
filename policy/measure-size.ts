import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { EntitySchema, FlagSchema, listSchema } from './strict-options.ts';

/** The options of {@link measureSize}. */
export interface MeasureSizeOptions extends PassOptions {
  /** The entities whose tables are measured. Default: every table that the policy deletes from, cascades included. */
  readonly entities?: readonly AnyEntity[];
  /**
   * Whether bloat is measured with `pgstattuple_approx`, which reads the pages that are not known to be all visible.
   * Default: false, an estimate from statistics; also used where the extension is not there.
   */
  readonly exact?: boolean;
}

/** A pass that measures tables and deletes nothing. */
export interface MeasureSize extends MeasureSizeOptions {
  readonly kind: 'measureSize';
  readonly exact: boolean;
}

/**
 * Measures tables: bytes, live and dead rows, bloat, when they were vacuumed, and what holds vacuum back. Every run
 * measures bytes and rows at its begin and its end without it; this pass adds bloat and the reasons.
 */
export function measureSize(options: MeasureSizeOptions): MeasureSize {
  return Object.freeze({ ...options, kind: 'measureSize', exact: options.exact ?? false });
}

/** The options of the kind. */
export const MeasureSizeSchema = passOptions({
  entities: listSchema(EntitySchema).optional(),
  exact: FlagSchema,
});
