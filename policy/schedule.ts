import { z } from 'zod';

import { describeCronIssue } from './cron.ts';
import type { Duration } from './duration.ts';
import { durationBetween, SECOND } from './duration.ts';
import type { Issue } from './issue.ts';
import { strictOptions } from './strict-options.ts';
import { isTimezone } from './timezone.ts';
import { chooseSchema, findIssues, formatValue, withFix } from './zod-issues.ts';

/** When a policy runs by itself. */
export type ScheduleOptions = IntervalSchedule | CronSchedule;

/** Every so often, counted from the epoch as Temporal does, however long a run takes. */
export interface IntervalSchedule {
  /** At least one second. */
  readonly every: Duration;
}

/** At times of the wall clock. */
export interface CronSchedule {
  /**
   * Five fields: minute, hour, day of month, month, day of week; of numbers, names of months and days, `*`, `,`, `-` and `/`.
   * One of the two fields for days is `*`.
   */
  readonly cron: string;
  /** IANA name. Default `UTC`; elsewhere a change of summer time can skip a run or make it run twice. */
  readonly timezone?: string;
}

const IntervalSchema = strictOptions({
  every: withFix(
    durationBetween(SECOND),
    "Say it like '1 hour'",
    (option, value) => `${option} is ${formatValue(value)}, which is no duration of a second or more`,
  ),
});

const CronSchema = strictOptions({
  cron: withFix(
    z.string().superRefine((cron, context) => {
      const issue = describeCronIssue(cron);
      if (issue !== undefined) context.addIssue(issue);
    }),
    "Use five fields, like '0 3 * * *'",
    (option, value, [issue]) => `${option} ${formatValue(value)} cannot be read: ${issue?.message ?? ''}`,
  ),
  timezone: withFix(
    z.custom<string>(isTimezone),
    "Use an IANA name, like 'Asia/Bangkok'",
    (option, value) => `${option} ${formatValue(value)} is no known time zone`,
  ).optional(),
});

/** The options of a schedule. */
export const ScheduleSchema = chooseSchema((schedule) =>
  typeof schedule === 'object' && schedule !== null && 'cron' in schedule ? CronSchema : IntervalSchema,
);

/** Returns what is wrong with a schedule. */
export function checkSchedule(at: string, schedule: ScheduleOptions): Issue[] {
  return findIssues(z.object({ schedule: ScheduleSchema }), { schedule }, at);
}

/** Returns the id of a policy's schedule, which its workflow ids begin with. */
export function getScheduleId({ name }: { readonly name: string }): string {
  return `vacuum-${name}`;
}
