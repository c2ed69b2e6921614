import { defineEntity, p } from '@mikro-orm/core';

export const Camera = defineEntity({
  name: 'Camera',
  properties: { id: p.integer().primary(), name: p.text() },
});

export const Detection = defineEntity({
  name: 'Detection',
  properties: {
    id: p.bigint('string').primary(),
    camera: () => p.manyToOne(Camera),
    detectedAt: p.datetime(),
    label: p.text(),
    confidence: p.float(),
    thumbnailPath: p.text().nullable(),
    originalPath: p.text().nullable(),
  },
});

export const Event = defineEntity({
  name: 'Event',
  properties: {
    id: p.bigint('string').primary(),
    camera: () => p.manyToOne(Camera),
    at: p.datetime(),
    kind: p.text(),
  },
});

export const GpuStatistic = defineEntity({
  name: 'GpuStatistic',
  properties: {
    id: p.bigint('string').primary(),
    at: p.datetime(),
    utilization: p.float(),
    memoryBytes: p.bigint('string'),
  },
});

export const LogEntry = defineEntity({
  name: 'LogEntry',
  properties: { id: p.bigint('string').primary(), at: p.datetime(), level: p.text(), message: p.text() },
});
