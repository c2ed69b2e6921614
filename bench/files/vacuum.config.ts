import { defineEntity, p } from '@mikro-orm/core';
import {
  defineConfig,
  definePolicy,
  deleteRecordedFiles,
  expireRows,
  fileRoot,
  localDisk,
  recordedPath,
} from 'temporal-vacuum';

const Picture = defineEntity({
  name: 'Picture',
  properties: { id: p.integer().primary(), at: p.datetime(), path: p.text() },
});
const root = fileRoot({
  name: 'pictures',
  store: localDisk(process.env['BENCH_FILES'] ?? ''),
  recordedBy: [recordedPath({ entity: Picture, path: 'path' })],
});

export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [
    definePolicy({
      name: 'pictures',
      enabled: true,
      entities: [Picture],
      limits: { maxPercent: 100, maxGrowth: Infinity, allowNewest: true },
      passes: [
        expireRows({ name: 'rows', entity: Picture, age: 'at', olderThan: '1 day', files: [root] }),
        deleteRecordedFiles({ name: 'files', from: 'rows', root }),
      ],
    }),
  ],
});
