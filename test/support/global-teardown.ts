import { rmSync } from 'node:fs';

/** Ends the servers that the tests shared and removes what they made. */
export default async function globalTeardown(): Promise<void> {
  const shared = globalThis.vacuumTestServers;
  await shared?.temporal?.stop();
  await shared?.cluster.destroy();
  for (const folder of shared?.folders ?? []) rmSync(folder, { recursive: true, force: true });
}
