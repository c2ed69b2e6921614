import { join } from 'node:path';

import type { Pass, Policy } from 'temporal-vacuum';
import {
  definePolicy,
  deleteRecordedFiles,
  expireRows,
  fileRoot,
  localDisk,
  recordedPath,
  sweepStrayFiles,
} from 'temporal-vacuum';

import { Detection, Event, GpuStatistic, LogEntry } from './entities.ts';
import type { Settings } from './settings.ts';

/** What the archive forgets: detections, events, GPU statistics and logs, then their files. */
export function cameras(settings: Settings): Policy {
  const { retentionDays, logRetentionDays, cleanupTime, deleteImages, removeStrays, mediaDir } = settings;
  const olderThan = `${retentionDays} days` as const;
  const thumbnails = fileRoot({
    name: 'thumbnails',
    store: localDisk(join(mediaDir, 'thumbnails')),
    recordedBy: [recordedPath({ entity: Detection, path: 'thumbnailPath' })],
  });
  const originals = fileRoot({
    name: 'originals',
    store: localDisk(join(mediaDir, 'originals')),
    recordedBy: [recordedPath({ entity: Detection, path: 'originalPath' })],
  });
  // Originals that are to be kept have no row any more: they are no strays, and nothing looks for them.
  const roots = deleteImages ? [thumbnails, originals] : [thumbnails];
  const files: Pass[] = roots.map((root) =>
    deleteRecordedFiles({ name: root.name, from: 'detections', root }),
  );
  const strays: Pass[] = roots.map((root) =>
    sweepStrayFiles({ name: `stray-${root.name}`, root, grace: '1 day', remove: removeStrays }),
  );
  const [hour, minute] = cleanupTime.split(':').map(Number);
  return definePolicy({
    name: 'cameras',
    enabled: true,
    entities: [Detection, Event, GpuStatistic, LogEntry],
    passes: [
      expireRows({ name: 'detections', entity: Detection, age: 'detectedAt', olderThan, files: roots }),
      expireRows({ name: 'events', entity: Event, age: 'at', olderThan }),
      expireRows({ name: 'gpu-statistics', entity: GpuStatistic, age: 'at', olderThan }),
      expireRows({ name: 'logs', entity: LogEntry, age: 'at', olderThan: `${logRetentionDays} days` }),
      ...files,
      ...strays,
    ],
    // The first night takes 88 % of sixty days of logs. More than this is rather a retention that somebody mistyped.
    limits: { maxPercent: 90 },
    schedule: { cron: `${minute} ${hour} * * *`, timezone: 'UTC' },
  });
}
