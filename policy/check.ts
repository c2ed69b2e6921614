import { z } from 'zod';

import { checkFiles, checkRoots } from './check-files.ts';
import { durationBetween, SECOND } from './duration.ts';
import { findIssues, withFix } from './find-issues.ts';
import type { Issue } from './issue.ts';
import { LimitsSchema } from './limits.ts';
import { nameFor } from './name.ts';
import { PassOptionsSchema, ShardsSchema } from './pass-options.ts';
import type { Pass } from './pass.ts';
import { PASS_SCHEMAS } from './pass.ts';
import type { Policy } from './policy.ts';
import { ScheduleSchema } from './schedule.ts';

const PolicySchema = z.object({
  name: nameFor('workflow ids and metrics'),
  passes: withFix(z.array(z.unknown()).min(1), 'Give it at least one', () => 'it has no passes'),
  slice: z.object({
    seconds: withFix(z.number().min(1).max(3600), 'Use a number from 1 to 3600').optional(),
    batches: withFix(z.int().min(1), 'Use a whole number of at least 1, or leave it out').optional(),
  }),
  batchSize: withFix(
    z.int().min(1).max(1_000_000).or(z.literal('auto')),
    "Use a whole number from 1 to 1000000, or 'auto'",
  ),
  batchTarget: withFix(durationBetween(5, 10 * SECOND), "Use a duration from '5 ms' to '10 s'"),
  batchPause: withFix(
    durationBetween(0, 60 * SECOND),
    "Use a duration of at most a minute, like '50 ms', or 0",
  ),
  shards: ShardsSchema,
  limits: LimitsSchema,
  schedule: ScheduleSchema.optional(),
});

/**
 * Returns what is wrong with a policy by itself: names, numbers and durations. Entity metadata and the live database
 * are checked when the policy is resolved.
 */
export function checkPolicy(policy: Policy): Issue[] {
  const { passes } = policy;
  return [
    ...findIssues(PolicySchema, policy, `policy ${JSON.stringify(policy.name)}`),
    ...checkRoots(passes),
    ...passes.flatMap((pass, n) => checkPass(pass, passes.slice(0, n), passes.slice(n + 1))),
  ];
}

function checkPass(pass: Pass, earlier: readonly Pass[], later: readonly Pass[]): Issue[] {
  const at = `pass ${JSON.stringify(pass.name)}`;
  return [
    ...findIssues(PassOptionsSchema, pass, at),
    ...checkOrder(at, pass, new Set(earlier.map(({ name }) => name))),
    ...findIssues(PASS_SCHEMAS[pass.kind], pass, at),
    ...checkFiles(at, pass, earlier, later),
  ];
}

function checkOrder(at: string, { name, dependsOn = [] }: Pass, earlier: ReadonlySet<string>): Issue[] {
  const same = { at, what: 'another pass has this name', fix: 'Name each pass of a policy differently' };
  const unknown = dependsOn
    .filter((other) => !earlier.has(other))
    .map((other) => ({
      at,
      what: `dependsOn names ${JSON.stringify(other)}, which is no earlier pass`,
      fix: 'Name a pass that stands before',
    }));
  return [...(earlier.has(name) ? [same] : []), ...unknown];
}
