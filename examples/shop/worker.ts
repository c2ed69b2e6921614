import { fileURLToPath } from 'node:url';

import { NativeConnection, Worker } from '@temporalio/worker';
import { VacuumPlugin } from 'temporal-vacuum';

import * as activities from './activities.ts';
import { shop } from './policy.ts';

const connection = await NativeConnection.connect({
  address: process.env['TEMPORAL_ADDRESS'] ?? 'localhost:7233',
});
const worker = await Worker.create({
  connection,
  taskQueue: 'shop',
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
  activities,
  plugins: [
    new VacuumPlugin({
      databases: { main: () => process.env['SHOP_DATABASE_URL'] ?? '' },
      policies: [shop],
    }),
  ],
});
await worker.run();
await connection.close();
