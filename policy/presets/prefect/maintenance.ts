import { z } from 'zod';

import type { Issue } from '../../issue.ts';
import { ValidationError } from '../../issue.ts';
import type { Policy } from '../../policy.ts';
import { definePolicy } from '../../policy.ts';
import { suggestOption } from '../../strict-options.ts';
import { toIssues } from '../../zod-issues.ts';
import { YesNoSchema } from './enabled.ts';
import { prefect } from './policy.ts';
import { SETTING_NAMES } from './settings-schema.ts';
import type { PrefectSettings } from './settings.ts';
import { setting } from './value-schemas.ts';

/** The settings of the `prefect-maintenance` preset: those of `prefect`, with other defaults, and this one. */
export interface PrefectMaintenanceSettings extends PrefectSettings {
  /** Take crashed runs along. Default: false. Not used where `states` is given. */
  readonly includeCrashed?: boolean | string;
}

const STATES = ['COMPLETED', 'FAILED', 'CANCELLED'];
const RETENTION = '15 days';
const OwnSettings = z.object({
  includeCrashed: setting(YesNoSchema, 'Use true or false').default(false),
});
const NAMES = ['includeCrashed', ...SETTING_NAMES];

/**
 * The monthly maintenance of a Prefect server's database: everything older than 15 days goes, flow runs, task runs and
 * artifacts with their states, then logs, events and what events were about; the space is made usable again at the
 * end. At 03:00 on the first of each month in Bangkok.
 *
 * `retentionPeriod` is the retention of logs and events as well, unless they are given one of their own. Nothing is
 * taken from Prefect's own variables, which say how its server vacuums. Throws one error that lists every setting that
 * cannot be used.
 */
export function prefectMaintenance(given: PrefectMaintenanceSettings = {}): Policy {
  // What is undefined is not given: it must not stand in the way of this preset's own default.
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const known = Object.fromEntries(Object.entries(present).filter(([name]) => NAMES.includes(name)));
  const { includeCrashed, ...settings } = known as PrefectMaintenanceSettings;
  const { data: own, error } = OwnSettings.safeParse({ includeCrashed });
  const issues = [
    ...findUnknown(Object.keys(present)),
    ...toIssues(error, (option) => `setting ${String(option)}`),
  ];
  const policy = orIssues(issues, () => base(settings, own?.includeCrashed === true));
  if (policy === undefined || issues.length > 0) {
    throw new ValidationError('preset prefect-maintenance', issues);
  }
  return definePolicy({ ...policy, name: 'prefect-maintenance' });
}

function findUnknown(names: readonly string[]): Issue[] {
  return names
    .filter((name) => !NAMES.includes(name))
    .map((name) => ({
      at: `setting ${name}`,
      what: 'there is no such setting in preset prefect-maintenance',
      fix: suggestOption(name, NAMES),
    }));
}

function base(settings: PrefectSettings, crashed: boolean): Policy {
  const retentionPeriod = settings.retentionPeriod ?? RETENTION;
  return prefect(
    {
      states: crashed ? [...STATES, 'CRASHED'] : STATES,
      logRetention: retentionPeriod,
      eventRetentionPeriod: retentionPeriod,
      eventRetentionOverrides: {},
      ...(settings.loopSeconds === undefined ? { cron: '0 3 1 * *' } : {}),
      timezone: 'Asia/Bangkok',
      reclaim: 'vacuum',
      ...settings,
      retentionPeriod,
    },
    {},
  );
}

/** Runs work; what is wrong with it joins the other issues. */
function orIssues<T>(issues: Issue[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    issues.push(...error.issues);
    return undefined;
  }
}
