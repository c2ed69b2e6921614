import { Cron } from 'croner';

import type { Duration } from './duration.ts';
import { parseDuration, SECOND } from './duration.ts';
import type { Mistake } from './mistake.ts';
import { isTimezone } from './timezone.ts';

/** When a policy runs by itself. */
export type ScheduleOptions = IntervalSchedule | CronSchedule;

/** Every so often, counted from the epoch as Temporal does, however long a run takes. */
export interface IntervalSchedule {
  /** At least one second. */
  readonly every: Duration;
}

/** At times of the wall clock. */
export interface CronSchedule {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name. Default `UTC`; elsewhere a change of summer time can skip a run or make it run twice. */
  readonly timezone?: string;
}

/** What is wrong with a schedule. */
export function checkSchedule(at: string, schedule: ScheduleOptions): Mistake[] {
  return 'cron' in schedule ? checkCron(at, schedule) : checkInterval(at, schedule);
}

function checkInterval(at: string, { every }: IntervalSchedule): Mistake[] {
  const millis = parseDuration(every);
  if (millis !== undefined && millis >= SECOND) return [];
  return [
    {
      at,
      what: `schedule.every is ${JSON.stringify(every)}, which is no duration of a second or more`,
      fix: "Say it like '1 hour'",
    },
  ];
}

function checkCron(at: string, { cron, timezone = 'UTC' }: CronSchedule): Mistake[] {
  const mistakes: Mistake[] = [];
  try {
    // Temporal reads five fields; croner also takes seconds and nicknames.
    if (cron.trim().split(/\s+/).length !== 5) throw new Error('it has not five fields');
    new Cron(cron, { paused: true }).stop();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    mistakes.push({
      at,
      what: `schedule.cron ${JSON.stringify(cron)} cannot be read: ${reason}`,
      fix: "Use five fields, like '0 3 * * *'",
    });
  }
  if (!isTimezone(timezone)) {
    mistakes.push({
      at,
      what: `schedule.timezone ${JSON.stringify(timezone)} is no known time zone`,
      fix: "Use an IANA name, like 'Asia/Bangkok'",
    });
  }
  return mistakes;
}
