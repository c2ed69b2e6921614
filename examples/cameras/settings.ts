import type { Issue } from 'temporal-vacuum';
import { ValidationError } from 'temporal-vacuum';

/** What the archive is told by its environment. */
export interface Settings {
  /** `RETENTION_DAYS`: detections, events and GPU statistics are kept so long. At least 1; default 30. */
  readonly retentionDays: number;
  /** `LOG_RETENTION_DAYS`: logs are kept so long. At least 1; default 7. */
  readonly logRetentionDays: number;
  /** `CLEANUP_TIME`: when the daily run begins, in UTC. Default `03:00`. */
  readonly cleanupTime: string;
  /** `DELETE_IMAGES`: whether originals go with their detections, and not only thumbnails. Default: false. */
  readonly deleteImages: boolean;
  /** `REMOVE_STRAYS`: whether files that nothing records are removed, and not only counted. Default: false. */
  readonly removeStrays: boolean;
  /** `MEDIA_DIR`: the folder with the folders `thumbnails` and `originals`. */
  readonly mediaDir: string;
}

const days = (text: string): number | undefined => (/^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined);
const time = (text: string): string | undefined =>
  /^([01]\d|2[0-3]):[0-5]\d$/.test(text) ? text : undefined;
const flag = (text: string): boolean | undefined => ({ true: true, false: false })[text];

/** Reads the environment. Throws one `ValidationError` with everything that is wrong with it. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const issues: Issue[] = [];
  const read = <T>(name: string, missing: T, parse: (text: string) => T | undefined, fix: string): T => {
    const text = environment[name];
    if (text === undefined || text === '') return missing;
    const value = parse(text);
    if (value !== undefined) return value;
    issues.push({ at: name, what: `${JSON.stringify(text)} cannot be used`, fix });
    return missing;
  };
  const settings: Settings = {
    retentionDays: read('RETENTION_DAYS', 30, days, 'Use a whole number of days, at least 1'),
    logRetentionDays: read('LOG_RETENTION_DAYS', 7, days, 'Use a whole number of days, at least 1'),
    cleanupTime: read('CLEANUP_TIME', '03:00', time, 'Use a time of 24 hours, like 03:00'),
    deleteImages: read('DELETE_IMAGES', false, flag, 'Use true or false'),
    removeStrays: read('REMOVE_STRAYS', false, flag, 'Use true or false'),
    mediaDir: environment['MEDIA_DIR'] ?? '',
  };
  if (settings.mediaDir === '') {
    const what = 'it is not set, and the files are there';
    issues.push({ at: 'MEDIA_DIR', what, fix: 'Set it to the folder with thumbnails and originals' });
  }
  if (issues.length > 0) throw new ValidationError('the settings of the archive', issues);
  return settings;
}
