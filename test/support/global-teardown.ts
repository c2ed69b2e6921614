/** Ends the servers that the tests shared. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.vacuumTestServers?.temporal?.stop();
  await globalThis.vacuumTestServers?.cluster.destroy();
}
