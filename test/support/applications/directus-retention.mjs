// The cleaner of Directus, once and at once: Directus itself runs it by a cron. The argument is the folder of Directus.
import { createRequire } from 'node:module';
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';

const { resolve } = createRequire(`${argv[2]}/`);
const { default: schedule, handleRetentionJob } = await import(
  pathToFileURL(resolve('@directus/api/schedules/retention')).href
);
if (!(await schedule())) throw new Error('the retention of Directus is not enabled');
await handleRetentionJob();
exit(0);
