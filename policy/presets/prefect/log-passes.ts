import { expireRows } from '../../expire-rows.ts';
import type { Pass } from '../../pass.ts';
import { Log } from './entities/index.ts';
import { logOverrides } from './log-retention.ts';
import type { ParsedSettings } from './settings.ts';

/** Logs by their own age, if a retention of their own was asked for. */
export function logPasses({ logMillis, logLevels }: ParsedSettings): Pass[] {
  const overrides = logOverrides(logLevels);
  if (logMillis === null && overrides.every(({ olderThan }) => olderThan === null)) return [];
  return [expireRows({ name: 'old-logs', entity: Log, age: 'timestamp', olderThan: logMillis, overrides })];
}
