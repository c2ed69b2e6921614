import type { TestDatabase } from '../database.ts';
import type { ModelOptions } from './model.ts';

export const HEARTBEAT = 'prefect.flow-run.heartbeat';

/** The retentions that rows of every kind have their boundaries at, as PostgreSQL and policies read them. */
export const RETENTION = {
  runs: '90 days',
  grace: '1 day',
  events: '7 days',
  heartbeats: '2 days',
  /** Of events whose names begin with `acme.`. */
  acme: '365 days',
  logs: '120 days',
  debugLogs: '3 days',
  errorLogs: '365 days',
} as const;

/** The instants at which these retentions end now, for the model. */
export async function horizonsNow(database: TestDatabase): Promise<Omit<ModelOptions, 'passes'>> {
  const ago = async (retention: string): Promise<string> =>
    database.value<string>('select now() - $1::interval', [retention]);
  return {
    horizon: await ago(RETENTION.runs),
    graceHorizon: await ago(RETENTION.grace),
    eventHorizon: await ago(RETENTION.events),
    eventHorizons: { [HEARTBEAT]: await ago(RETENTION.heartbeats), 'acme.*': await ago(RETENTION.acme) },
    logHorizon: await ago(RETENTION.logs),
    logHorizons: { 10: await ago(RETENTION.debugLogs), 40: await ago(RETENTION.errorLogs) },
  };
}
