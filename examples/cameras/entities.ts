import { defineEntity, p } from '@mikro-orm/core';

// Of the tables of the archive only the columns that the policy names.
const id = p.bigint('string').primary();

export const Detection = defineEntity({
  name: 'Detection',
  properties: {
    id,
    detectedAt: p.datetime(),
    thumbnailPath: p.text().nullable(),
    originalPath: p.text().nullable(),
  },
});

export const Event = defineEntity({ name: 'Event', properties: { id, at: p.datetime() } });

export const GpuStatistic = defineEntity({ name: 'GpuStatistic', properties: { id, at: p.datetime() } });

export const LogEntry = defineEntity({ name: 'LogEntry', properties: { id, at: p.datetime() } });
