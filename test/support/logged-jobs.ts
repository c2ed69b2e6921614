import { defineEntity, p } from '@mikro-orm/core';

import { expireRows, softChild } from '../../policy/expire-rows.ts';
import { definePolicy } from '../../policy/policy.ts';

// Jobs, whose logs go with them although no foreign key says so.

const Job = defineEntity({ name: 'Job', properties: { id: p.integer().primary(), at: p.datetime() } });
const Log = defineEntity({ name: 'Log', properties: { id: p.integer().primary(), jobId: p.integer() } });

/** Deletes jobs and their logs after a day. */
export const JOBS_POLICY = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Job, Log],
  limits: { maxPercent: 100 },
  passes: [
    expireRows({
      name: 'old',
      entity: Job,
      age: 'at',
      olderThan: '1 day',
      with: [softChild({ entity: Log, by: 'jobId' })],
    }),
  ],
});
