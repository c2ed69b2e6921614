import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { bundleInChild } from '../../worker/bundle-in-child.ts';
import { startDevServer } from '../../worker/dev-server.ts';
import type { DevServer } from '../../worker/dev-server.ts';
import { loadSchema, SHAPED_TEMPLATE } from './database.ts';
import { BUNDLE_VARIABLE } from './made-bundle.ts';
import { makeFastFolder, removeAbandonedFolders } from './memory-disk.ts';
import type { PartName } from './needing.ts';
import {
  bring,
  CHROMIUM,
  find,
  HADOLINT,
  olderPrefect,
  PGBOUNCER,
  postgresql,
  PREFECT,
  PROMQL,
  STOCK_POSTGRESQL,
  TCTL,
  TEMPORAL,
} from './parts/bring.ts';
import type { Part } from './parts/bring.ts';
import type { Cluster } from './postgres/cluster.ts';
import { makeInitialFiles, startCluster } from './postgres/cluster.ts';
import { SmallDisk } from './postgres/small-disk.ts';

declare global {
  var vacuumTestServers:
    | { cluster: Cluster; temporal: DevServer | undefined; folders: readonly string[] }
    | undefined;
}

/** Brings what the tests run on and starts the servers that they share. */
export default async function globalSetup(): Promise<void> {
  const parts: Record<Exclude<PartName, 'small-disk'>, Part> = {
    temporal: TEMPORAL,
    prefect: PREFECT,
    'prefect-3.4.7': olderPrefect('3.4.7'),
    'prefect-3.6.19': olderPrefect('3.6.19'),
    'prefect-3.7.8': olderPrefect('3.7.8'),
    tctl: TCTL,
    promql: PROMQL,
    hadolint: HADOLINT,
    chromium: CHROMIUM,
    'postgresql-14': postgresql(14),
    'postgresql-15': postgresql(15),
    'postgresql-16': postgresql(16),
    'postgresql-17': postgresql(17),
    'stock-postgresql': STOCK_POSTGRESQL,
    pgbouncer: PGBOUNCER,
  };
  const missing: Record<string, string> = {};
  await Promise.all(
    Object.entries(parts).map(async ([name, part]) => {
      const why = await bring(part);
      if (why !== undefined) missing[name] = `${why}. To bring it: ${part.command}`;
    }),
  );
  const noDisk = SmallDisk.missing();
  if (noDisk !== undefined) missing['small-disk'] = noDisk;
  for (const why of Object.values(missing)) process.stderr.write(`a part is missing: ${why}\n`);
  process.env['TEST_MISSING'] = JSON.stringify(missing);

  removeAbandonedFolders();
  const folder = makeFastFolder('test');
  process.env['TEST_FOLDER'] = folder;
  // Each command of a test would compile our sources anew: 0.8 s of 1.6.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
  const bundle = join(folder, 'workflow-bundle.js');
  writeFileSync(bundle, (await bundleInChild()).code);
  process.env[BUNDLE_VARIABLE] = bundle;
  const initial = makeInitialFiles();
  process.env['TEST_PG_INITIAL'] = initial.data;
  const cluster = await startCluster();
  process.env['TEST_PG_URL'] = cluster.url();
  await loadSchema(cluster.url(), SHAPED_TEMPLATE);
  const program = find(TEMPORAL);
  const temporal =
    program === undefined
      ? undefined
      : await startDevServer({
          program,
          args: ['--dynamic-config-value', 'frontend.WorkflowPauseEnabled=true'],
        });
  if (program !== undefined) process.env['TEMPORAL_CLI'] = program;
  if (temporal !== undefined) process.env['TEST_TEMPORAL_ADDRESS'] = temporal.address;
  globalThis.vacuumTestServers = { cluster, temporal, folders: [folder, initial.folder] };
}
