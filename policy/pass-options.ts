import type { EntityName } from '@mikro-orm/core';
import { z } from 'zod';

import { nameFor } from './name.ts';
import type { Substitutes } from './strict-options.ts';
import { FlagSchema, NamesSchema, strictOptions } from './strict-options.ts';
import { withFix } from './zod-issues.ts';

/** An entity of any shape; the builders check the shape, what is behind them only needs its metadata. */
export type AnyEntity = EntityName;

/** The options of every kind of pass. */
export interface PassOptions {
  /** Unique within the policy; what operators, the ledger and metrics call this pass. */
  readonly name: string;
  /** Passes without which this one must not run: if one of them failed, this one is left out. Default: none. */
  readonly dependsOn?: readonly string[];
  /**
   * In how many parts, run beside one another, the pass is split if it can be split. 1 to 16; default: the
   * policy's `shards`.
   */
  readonly shards?: number;
  /**
   * The pass is for a table that not every database has: where one of its tables is missing, the pass is reported as
   * `not-applicable` instead of refusing the run. Default: false.
   */
  readonly optional?: boolean;
}

/** The `shards` of a pass and of a policy. */
export const ShardsSchema = withFix(z.int().min(1).max(16), 'Use a whole number from 1 to 16');

const PASS_OPTIONS = {
  kind: z.string(),
  name: nameFor('activity summaries and metrics'),
  dependsOn: NamesSchema.optional(),
  shards: ShardsSchema.optional(),
  optional: FlagSchema.optional(),
};

/** The options of a kind of pass, beside those of every kind; what to do without options that only other kinds have. */
export function passOptions<Shape extends z.ZodRawShape>(
  shape: Shape,
  substitutes?: Substitutes,
): ReturnType<typeof strictOptions<typeof PASS_OPTIONS & Shape>> {
  return strictOptions({ ...PASS_OPTIONS, ...shape }, undefined, substitutes);
}
