import type { FilterQuery, InferEntity } from '@mikro-orm/core';
import { z } from 'zod';

import { HOUR } from '../../duration.ts';
import type { KeepLastOptions, RetentionOverrideOptions } from '../../retention.ts';
import type { FlowRun } from './entities/index.ts';
import { TERMINAL_STATE_TYPES } from './entities/index.ts';
import { parseJson, periodOrNever } from './periods.ts';

type Run = InferEntity<typeof FlowRun>;

/** What the newest runs are counted by: a run without a deployment counts for its flow. */
export type KeepLastPer = 'deployment' | 'flow';

/** A retention of some flow runs. All that is given must hold; of a list, one of its values. */
export interface RunRetentionRule {
  /** Names of deployments: `name`, or `flow/name`. */
  readonly deployment?: string | readonly string[];
  /** Names of flows. */
  readonly flow?: string | readonly string[];
  /** Names of work pools. */
  readonly workPool?: string | readonly string[];
  /** Tags. */
  readonly tag?: string | readonly string[];
  /** Types of the terminal state: `COMPLETED`, `FAILED`, `CANCELLED`, `CRASHED`. */
  readonly state?: string | readonly string[];
  /** Over 1 hour: seconds, `'30 days'`, ISO `'P30D'`; null, or `'never'`, keeps such runs for ever. */
  readonly olderThan: number | string | null;
  /** So many of the newest such runs stay. Default: the setting `keepLast`. */
  readonly keepLast?: number;
  /** Of each what. Default: the setting `keepLastPer`. */
  readonly keepLastPer?: KeepLastPer;
}

const names = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((value) => (Array.isArray(value) ? value : [value]))
  .optional();

const states = names.transform((given, context) =>
  given?.map((one) => {
    const state = TERMINAL_STATE_TYPES.find((known) => known === one.toUpperCase());
    if (state !== undefined) return state;
    context.addIssue(`${one} is none of ${TERMINAL_STATE_TYPES.join(', ')}`);
    return z.NEVER;
  }),
);

const period = z.unknown().transform((value, context) => {
  const { success, data } = periodOrNever(HOUR).safeParse(value);
  if (success) return data;
  context.addIssue(`${JSON.stringify(value)} is no period over 1 hour`);
  return z.NEVER;
});

const Rule = z.strictObject({
  deployment: names,
  flow: names,
  workPool: names,
  tag: names,
  state: states,
  olderThan: period,
  keepLast: z.int().min(1).optional(),
  keepLastPer: z.enum(['deployment', 'flow']).optional(),
});

/** A rule that was read. */
export type ParsedRule = z.output<typeof Rule>;

/** A list of rules, or JSON of one. */
export const RunRetentionSchema = z.preprocess(parseJson, z.array(Rule));

/** Returns what is wrong with which rule: `rule 0: olderThan "soon" is no period over 1 hour`. */
export function describeRules(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map(({ path: [rule, ...option], message }) =>
      rule === undefined
        ? 'it is no list of rules'
        : `rule ${String(rule)}: ${[...option, message].join(' ')}`,
    )
    .join('; ');
}

/** The overrides of a pass over flow runs. */
export function runOverrides(
  rules: readonly ParsedRule[],
  per: KeepLastPer,
): RetentionOverrideOptions<Run>[] {
  return rules.map(({ olderThan, keepLast, keepLastPer = per, ...rule }) => ({
    where: buildFilter(rule),
    olderThan,
    ...(keepLast === undefined ? {} : { keepLast: keepNewest(keepLast, keepLastPer) }),
  }));
}

/** The newest runs of each deployment or flow. */
export function keepNewest(count: number, per: KeepLastPer): KeepLastOptions<Run> {
  // A deployment is of one flow, so that both together tell runs without a deployment apart by their flow.
  return { count, per: per === 'flow' ? ['flowId'] : ['flowId', 'deploymentId'] };
}

function buildFilter({ deployment, flow, workPool, tag, state }: Partial<ParsedRule>): FilterQuery<Run> {
  const all: FilterQuery<Run>[] = [
    ...(deployment === undefined ? [] : [{ $or: deployment.map(ofDeployment) }]),
    ...(flow === undefined ? [] : [{ flow: { name: { $in: flow } } }]),
    ...(workPool === undefined ? [] : [{ workQueue: { workPool: { name: { $in: workPool } } } }]),
    ...(tag === undefined ? [] : [{ $or: tag.map((one) => ({ tags: { $contains: [one] } })) }]),
    ...(state === undefined ? [] : [{ stateType: { $in: state } }]),
  ] as FilterQuery<Run>[];
  return all.length === 0 ? {} : { $and: all };
}

function ofDeployment(name: string): object {
  const slash = name.indexOf('/');
  return slash === -1
    ? { deployment: { name } }
    : { deployment: { name: name.slice(slash + 1), flow: { name: name.slice(0, slash) } } };
}
