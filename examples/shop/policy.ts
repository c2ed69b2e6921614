import {
  definePolicy,
  deleteOrphans,
  expireRows,
  latestPointer,
  repointLatest,
  softChild,
} from 'temporal-vacuum';

import { AuditLog, Customer, LatestReport, Order, OrderLine, Report } from './entities.ts';

export const shop = definePolicy({
  name: 'shop',
  enabled: true,
  entities: [Customer, Order, OrderLine, AuditLog, Report, LatestReport],
  passes: [
    expireRows({
      name: 'old-orders',
      entity: Order,
      age: 'closedAt',
      olderThan: '400 days',
      where: { status: { $in: ['shipped', 'cancelled'] } },
      with: [softChild({ entity: AuditLog, by: 'orderId' })],
    }),
    deleteOrphans({ name: 'lost-audit', entity: AuditLog, by: 'orderId', parent: Order, age: 'at' }),
    expireRows({ name: 'old-reports', entity: Report, age: 'madeAt', olderThan: '90 days' }),
    repointLatest({
      name: 'latest-reports',
      pointer: latestPointer({
        holder: LatestReport,
        pointer: 'reportId',
        target: Report,
        group: 'name',
        newest: 'madeAt',
        copy: ['size'],
      }),
    }),
  ],
  schedule: { cron: '0 3 * * *', timezone: 'UTC' },
});
