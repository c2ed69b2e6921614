import type { Policy } from '../../policy.ts';
import { definePolicy } from '../../policy.ts';
import { prefect } from './policy.ts';
import type { PrefectSettings } from './settings.ts';

/** The settings of the `prefect-maintenance` preset: those of `prefect`, with other defaults. */
export interface PrefectMaintenanceSettings extends PrefectSettings {
  /** Take crashed runs along. Default: false. Not used where `states` is given. */
  readonly includeCrashed?: boolean | string;
}

const STATES = ['COMPLETED', 'FAILED', 'CANCELLED'];
const RETENTION = '15 days';

/**
 * The monthly maintenance of a Prefect server's database: everything older than 15 days goes, flow runs, task runs and
 * artifacts with their states, then logs, events and what events were about; the space is made usable again at the
 * end. At 03:00 on the first of each month in Bangkok.
 *
 * `retentionPeriod` is the retention of logs and events as well, unless they are given one of their own. Nothing is
 * taken from Prefect's own variables, which say how its server vacuums. Throws one error that lists every setting that
 * cannot be used.
 */
export function prefectMaintenance({ includeCrashed, ...settings }: PrefectMaintenanceSettings = {}): Policy {
  const retentionPeriod = settings.retentionPeriod ?? RETENTION;
  const crashed = String(includeCrashed ?? false) === 'true';
  const policy = prefect(
    {
      states: crashed ? [...STATES, 'CRASHED'] : STATES,
      logRetention: retentionPeriod,
      eventRetentionPeriod: retentionPeriod,
      eventRetentionOverrides: {},
      ...(settings.loopSeconds === undefined ? { cron: '0 3 1 * *', timezone: 'Asia/Bangkok' } : {}),
      ...settings,
      retentionPeriod,
    },
    {},
  );
  return definePolicy({ ...policy, name: 'prefect-maintenance' });
}
