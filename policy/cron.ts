import { Cron } from 'croner';

const MONTHS = 'JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC';
const DAYS = 'SUN|MON|TUE|WED|THU|FRI|SAT';
const FIELDS = [
  { name: 'minute', names: '' },
  { name: 'hour', names: '' },
  { name: 'day of month', names: '' },
  { name: 'month', names: MONTHS },
  { name: 'day of week', names: DAYS },
] as const;
/** Crons that fire at all fire within eight years after this instant: on the 29th of February, if not sooner. */
const REFERENCE = new Date('2026-01-01T00:00:00Z');

/**
 * What is wrong with a cron expression; undefined if nothing is. Only what Temporal reads as package croner does is right, since
 * the times of a schedule are compared with croner's. Temporal knows no `L`, `W`, `#` and `?`; if day of month and day of week are
 * both given, it wants both, and croner wants one of them; in the range `1-7` it leaves Sunday out.
 */
export function describeCronIssue(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) return 'it has not five fields';
  for (const [n, { name, names }] of FIELDS.entries()) {
    const field = fields[n] ?? '';
    if (!patternFor(names).test(field)) {
      return `its ${name}, ${JSON.stringify(field)}, is none of *, numbers, ranges and steps, and Temporal reads nothing else alike`;
    }
  }
  const [, , dayOfMonth, , dayOfWeek = ''] = fields;
  if (/-7\b|\b7-/.test(dayOfWeek)) {
    return 'Temporal leaves Sunday out of a range with 7, so that it must be written as 0 or after a comma';
  }
  if (dayOfMonth !== '*' && dayOfWeek !== '*') {
    return 'it names both a day of month and a day of week, and Temporal runs only on days that are both';
  }
  try {
    const parsed = new Cron(cron, { paused: true, timezone: 'UTC' });
    return parsed.nextRun(REFERENCE) === null ? 'it never fires' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function patternFor(names: string): RegExp {
  const value = names === '' ? String.raw`\d{1,2}` : String.raw`(?:\d{1,2}|${names})`;
  const step = String.raw`\/0*[1-9]\d?`;
  const part = String.raw`(?:\*(?:${step})?|${value}(?:-${value}(?:${step})?)?)`;
  return new RegExp(String.raw`^${part}(?:,${part})*$`, 'i');
}
