import { defineEntity, p } from '@mikro-orm/core';
import { DateTime } from 'luxon';

import type { ExpireRowsOptions } from '../../../policy/expire-rows.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';
import { justOver, justUnder } from './option.ts';

const Tenant = defineEntity({
  name: 'Tenant',
  properties: { id: p.integer().primary(), keep: p.integer().nullable(), retired: p.boolean() },
});
const Job = defineEntity({
  name: 'Job',
  properties: {
    id: p.integer().primary(),
    tenant: () => p.manyToOne(Tenant).nullable(),
    keep: p.integer().nullable(),
    at: p.datetime().nullable(),
  },
});
interface JobRow {
  id: number;
  at: Date;
}

const expire = (options: object): ReturnType<typeof expireRows> =>
  expireRows({ name: 'old', entity: Job, age: 'at', ...options } as unknown as ExpireRowsOptions<JobRow>);

/** Jobs with these values; the tenants keep 2 days, nothing that they say, less than an hour, and below nothing. */
function makeSchema(keep: string, tenants: string, jobs: string, ownKeep = 'integer'): string {
  return `
    create table tenant (id integer primary key, keep ${keep}, retired boolean not null default false);
    create table job (id integer primary key, tenant_id integer references tenant (id), keep ${ownKeep}, at timestamp with time zone);
    create index job_at on job (at);
    create index job_tenant on job (tenant_id);
    insert into tenant values ${tenants};
    insert into job values ${jobs};`;
}
const NUMBERS = `(1, 2, false), (2, null, false), (3, 0, false), (4, -1, false)`;
const TENANTS = [1, 2, 3, 4];

/** An instant some calendar months ago by the clock of a place, and minutes more or less. */
function monthsAgo(months: number, zone: string, minutes: number): string {
  return `'${DateTime.now().setZone(zone).minus({ months }).minus({ minutes }).toUTC().toFormat('yyyy-MM-dd HH:mm:ss.SSS')}+00:00'`;
}

function makeMonths(zone: string, olderThan: string): Option {
  return {
    name: `calendar months: ${olderThan}`,
    schema: makeSchema(
      'integer',
      NUMBERS,
      `(1, null, null, ${monthsAgo(6, zone, 30)}), (2, null, null, ${monthsAgo(6, zone, -30)})`,
    ),
    entities: [Job, Tenant],
    passes: [expire({ olderThan })],
    deleted: { old: { job: 1 } },
    left: { job: [2], tenant: TENANTS },
    explained: [
      ['Job', 1, 'old'],
      ['Job', 2, ['too-young']],
    ],
  };
}

/** Jobs that keep what their tenants do: two days, nothing that they say, less than an hour, and below nothing. */
function makeJobs(twoDays: string, zero: string, negative: string): string {
  return `
    (1, 1, ${twoDays}, ${justOver(2)}), (2, 1, ${twoDays}, ${justUnder(2)}), (3, 2, null, ${justOver(10)}),
    (4, 2, null, ${justUnder(10)}), (5, 3, ${zero}, ${justOver(900)}), (6, 4, ${negative}, ${justOver(900)}),
    (7, null, null, ${justOver(10)}), (8, 1, ${twoDays}, null)`;
}
const JOBS = makeJobs('2', '0', '-1');
const BY_NUMBER: Pick<Option, 'deleted' | 'left' | 'explained' | 'advice'> = {
  deleted: { old: { job: 3 } },
  left: { job: [2, 4, 5, 6, 8], tenant: TENANTS },
  explained: [
    ['Job', 1, 'old'],
    ['Job', 2, ['too-young']],
    ['Job', 3, 'old'],
    ['Job', 4, ['too-young']],
    ['Job', 5, ['kept-for-ever']],
    ['Job', 6, ['kept-for-ever']],
    ['Job', 7, 'old'],
    ['Job', 8, ['no-age']],
  ],
  advice: [/pass old: matching rows without an age, which never expire: about 1/],
};

/** How long rows stay. */
export const RETENTIONS: readonly Option[] = [
  {
    name: 'a retention in a column of the row',
    schema: makeSchema('integer', NUMBERS, JOBS),
    entities: [Job, Tenant],
    passes: [expire({ olderThan: { column: 'keep', unit: 'days', default: '10 days' } })],
    ...BY_NUMBER,
  },
  {
    name: 'a retention in a column of the row, in seconds',
    schema: makeSchema('integer', NUMBERS, makeJobs('172800', '3599', '-1')),
    entities: [Job, Tenant],
    passes: [expire({ olderThan: { column: 'keep', unit: 'seconds', default: '10 days' } })],
    ...BY_NUMBER,
  },
  {
    name: 'a retention in a column of the row that is an interval',
    only: 'PostgreSQL',
    schema: makeSchema('integer', NUMBERS, makeJobs("'2 days'", "'59 minutes'", "'-1 day'"), 'interval'),
    entities: [Job, Tenant],
    passes: [expire({ olderThan: { column: 'keep', unit: 'interval', default: '10 days' } })],
    ...BY_NUMBER,
  },
  {
    name: 'a retention of the tenant',
    schema: makeSchema('integer', NUMBERS, JOBS),
    entities: [Job, Tenant],
    passes: [
      expire({
        olderThan: { parent: Tenant, by: 'tenant', column: 'keep', unit: 'days', default: '10 days' },
      }),
    ],
    ...BY_NUMBER,
  },
  {
    name: 'a retention of the tenant in seconds',
    schema: makeSchema(
      'integer',
      `(1, 172800, false), (2, null, false), (3, 0, false), (4, -1, false)`,
      JOBS,
    ),
    entities: [Job, Tenant],
    passes: [
      expire({
        olderThan: { parent: Tenant, by: 'tenant', column: 'keep', unit: 'seconds', default: '10 days' },
      }),
    ],
    ...BY_NUMBER,
  },
  {
    name: 'a retention that is an interval',
    only: 'PostgreSQL',
    schema: makeSchema(
      'interval',
      `(1, '2 days', false), (2, null, false), (3, '0', false), (4, '-1 day', false)`,
      JOBS,
    ),
    entities: [Job, Tenant],
    passes: [
      expire({
        olderThan: { parent: Tenant, by: 'tenant', column: 'keep', unit: 'interval', default: '10 days' },
      }),
    ],
    ...BY_NUMBER,
  },
  makeMonths('UTC', '6 months'),
  makeMonths('America/New_York', '6 months in America/New_York'),
  {
    name: 'at most so many rows of all',
    schema: makeSchema(
      'integer',
      NUMBERS,
      `(1, 1, 0, ${justOver(3)}), (2, 1, 0, ${justUnder(3)}), (3, 1, 0, ${justOver(2)}), (4, 1, 0, ${justOver(1)}), (5, 1, 0, null)`,
    ),
    entities: [Job, Tenant],
    passes: [expire({ olderThan: null, keepAtMost: { rows: 3 } })],
    deleted: { old: { job: 1 } },
    left: { job: [2, 3, 4, 5], tenant: TENANTS },
    explained: [
      ['Job', 1, 'old'],
      ['Job', 2, ['too-young']],
      ['Job', 5, ['no-age']],
    ],
    advice: [/pass old: matching rows without an age, which never expire: about 1/],
  },
  {
    name: 'the newest of each group, and groups that are retired',
    schema: makeSchema(
      'integer',
      `(1, null, false), (2, null, true), (3, null, false), (4, null, false)`,
      `(1, 1, 0, ${justOver(30)}), (2, 1, 0, ${justOver(20)}), (3, 2, 0, ${justOver(10)}), (4, 2, 0, ${justUnder(10)}),
       (5, null, 0, ${justOver(20)}), (6, 3, 0, ${justOver(20)}), (7, 3, 0, ${justUnder(10)})`,
    ),
    entities: [Job, Tenant],
    passes: [
      expire({
        olderThan: '10 days',
        keepLast: { count: 1, per: ['tenant'] },
        overrides: [{ where: { tenant: { retired: true } }, olderThan: '10 days', keepLast: null }],
      }),
    ],
    deleted: { old: { job: 3 } },
    onlyCounted: true,
    left: { job: [2, 4, 5, 7], tenant: TENANTS },
    explained: [
      ['Job', 1, 'old'],
      ['Job', 2, ['kept-newest']],
      ['Job', 3, 'old'],
      ['Job', 4, ['too-young']],
      ['Job', 5, ['kept-newest']],
      ['Job', 6, 'old'],
      ['Job', 7, ['too-young', 'kept-newest']],
    ],
  },
];
