import { z } from 'zod';

import { checkFiles, checkRoots } from './check-files.ts';
import { durationBetween, SECOND } from './duration.ts';
import type { Issue } from './issue.ts';
import { LimitsSchema } from './limits.ts';
import { nameFor } from './name.ts';
import { ShardsSchema } from './pass-options.ts';
import type { Pass } from './pass.ts';
import { PASS_SCHEMAS } from './pass.ts';
import type { Policy } from './policy.ts';
import { ScheduleSchema } from './schedule.ts';
import { EntitySchema, FlagSchema, listSchema, strictOptions } from './strict-options.ts';
import { findIssues, formatValue, withFix } from './zod-issues.ts';

const PolicySchema = strictOptions({
  name: nameFor('workflow ids and metrics'),
  entities: listSchema(EntitySchema),
  passes: withFix(z.array(z.unknown()).min(1), 'Give it at least one', () => 'it has no passes').pipe(
    z.array(
      withFix(
        z.custom<Pass>(isPass),
        'Use a pass that a builder like expireRows returned',
        (option, value) => `${option} is ${formatValue(value)}, which is no pass`,
      ),
    ),
  ),
  database: withFix(z.string(), 'Use the name of a database of the worker').optional(),
  enabled: FlagSchema,
  slice: strictOptions({
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
 * Returns what is wrong with a policy by itself: options that nobody reads, names, numbers and durations. Entity metadata
 * and the live database are checked when the policy is resolved.
 */
export function checkPolicy(policy: Policy): Issue[] {
  const issues = findIssues(PolicySchema, policy, `policy ${JSON.stringify(policy.name)}`);
  const passes = Array.isArray(policy.passes) ? policy.passes.filter(isPass) : [];
  const own = passes.map((pass) => findIssues(PASS_SCHEMAS[pass.kind], pass, describePlace(pass)));
  return [
    ...issues,
    ...checkRoots(passes),
    ...passes.flatMap((pass, n) => {
      const [earlier, later] = [passes.slice(0, n), passes.slice(n + 1)];
      return [
        ...checkOrder(pass, new Set(earlier.map(({ name }) => name))),
        ...(own[n] ?? []),
        ...checkFiles(describePlace(pass), pass, earlier, later),
      ];
    }),
  ];
}

function describePlace({ name }: Pass): string {
  return `pass ${JSON.stringify(name)}`;
}

function isPass(value: unknown): value is Pass {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    Object.hasOwn(PASS_SCHEMAS, String(value.kind))
  );
}

function checkOrder(pass: Pass, earlier: ReadonlySet<string>): Issue[] {
  const { name, dependsOn = [] } = pass;
  const at = describePlace(pass);
  const same = { at, what: 'another pass has this name', fix: 'Name each pass of a policy differently' };
  const unknown = (Array.isArray(dependsOn) ? dependsOn : [])
    .filter((other) => !earlier.has(other))
    .map((other) => ({
      at,
      what: `dependsOn names ${JSON.stringify(other)}, which is no earlier pass`,
      fix: 'Name a pass that stands before',
    }));
  return [...(earlier.has(name) ? [same] : []), ...unknown];
}
