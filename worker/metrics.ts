import type { TelemetryOptions } from '@temporalio/worker';

import { VACUUM_BUCKETS } from '../activities/run/metric-definitions.ts';
import { assertValid } from '../policy/issue.ts';

const ADDRESS = /^(?<host>[^\s:]+|\[[\da-fA-F:]+\]):(?<port>\d{1,5})$/;

/** Returns the URL of the metrics that are served on `HOST:PORT`. */
export function metricsUrl(address: string): string {
  return `http://${address}/metrics`;
}

/**
 * Makes the runtime of a process serve metrics for Prometheus on `HOST:PORT`, with buckets that fit batches and runs.
 * Throws a `ValidationError` if that is no address or nothing can listen there.
 */
export function serveMetrics(address: string, install: (telemetry: TelemetryOptions) => unknown): void {
  const { port } = ADDRESS.exec(address)?.groups ?? {};
  if (port === undefined || Number(port) === 0 || Number(port) > 65_535) {
    refuse(`${JSON.stringify(address)} is not a host and a port`);
  }
  const prometheus = { bindAddress: address, histogramBucketOverrides: VACUUM_BUCKETS };
  try {
    install({ metrics: { prometheus } });
  } catch (error) {
    refuse(
      `metrics cannot be served on ${address}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function refuse(what: string): void {
  assertValid('command', [
    {
      at: '--metrics',
      what,
      fix: 'Name an address of this machine and a free port, such as 127.0.0.1:9464',
    },
  ]);
}
