import { checkFiles } from './check-files.ts';
import { parseDuration, HOUR, sayDuration, SECOND } from './duration.ts';
import type { ExpireRows } from './expire-rows.ts';
import { checkFilter } from './filter.ts';
import { checkLimits, sayValue } from './limits.ts';
import type { Mistake } from './mistake.ts';
import { isName, NAME_RULE } from './name.ts';
import type { Pass } from './pass.ts';
import type { Policy } from './policy.ts';
import { checkReclaimSpace } from './reclaim-space.ts';
import type { ReportRows } from './report-rows.ts';
import { checkRetentionColumn, isRetentionColumn } from './retention-column.ts';
import { checkSchedule } from './schedule.ts';

/**
 * What is wrong with a policy by itself: names, numbers and durations. What only entity metadata and the live
 * database can tell is found when the policy is resolved.
 */
export function checkPolicy(policy: Policy): Mistake[] {
  const at = `policy ${JSON.stringify(policy.name)}`;
  const mistakes: Mistake[] = [];
  const say = (what: string, fix: string): void => void mistakes.push({ at, what, fix });

  if (!isName(policy.name)) say('its name cannot be used in workflow ids and metrics', NAME_RULE);
  if (policy.passes.length === 0) say('it has no passes', 'Give it at least one');
  const { seconds = 20, batches } = policy.slice;
  if (!(seconds >= 1 && seconds <= 3600)) {
    say(`slice.seconds is ${String(seconds)}`, 'Use a number from 1 to 3600');
  }
  if (batches !== undefined && !isWhole(batches, 1)) {
    say(`slice.batches is ${String(batches)}`, 'Use a whole number of at least 1, or leave it out');
  }
  if (policy.batchSize !== 'auto' && !isWhole(policy.batchSize, 1, 1_000_000)) {
    say(
      `batchSize is ${JSON.stringify(policy.batchSize)}`,
      "Use a whole number from 1 to 1000000, or 'auto'",
    );
  }
  const target = parseDuration(policy.batchTarget);
  if (target === undefined || target < 5 || target > 10 * SECOND) {
    say(`batchTarget is ${JSON.stringify(policy.batchTarget)}`, "Use a duration from '5 ms' to '10 s'");
  }
  const pause = parseDuration(policy.batchPause);
  if (pause === undefined || pause < 0 || pause > 60 * SECOND) {
    say(
      `batchPause is ${JSON.stringify(policy.batchPause)}`,
      "Use a duration of at most a minute, like '50 ms', or 0",
    );
  }
  if (!isWhole(policy.shards, 1, 16)) {
    say(`shards is ${String(policy.shards)}`, 'Use a whole number from 1 to 16');
  }
  mistakes.push(...checkLimits(at, policy.limits));
  if (policy.schedule !== undefined) mistakes.push(...checkSchedule(at, policy.schedule));
  return [...mistakes, ...checkPasses(policy.passes), ...checkFiles(policy.passes)];
}

function checkPasses(passes: readonly Pass[]): Mistake[] {
  const mistakes: Mistake[] = [];
  const earlier = new Set<string>();
  for (const pass of passes) {
    const at = `pass ${JSON.stringify(pass.name)}`;
    const say = (what: string, fix: string): void => void mistakes.push({ at, what, fix });
    if (!isName(pass.name)) say('its name cannot be used in activity summaries and metrics', NAME_RULE);
    if (earlier.has(pass.name)) say('another pass has this name', 'Name each pass of a policy differently');
    for (const other of pass.dependsOn ?? []) {
      if (!earlier.has(other)) {
        say(
          `dependsOn names ${JSON.stringify(other)}, which is no earlier pass`,
          'Name a pass that stands before',
        );
      }
    }
    if (pass.shards !== undefined && !isWhole(pass.shards, 1, 16)) {
      say(`shards is ${String(pass.shards)}`, 'Use a whole number from 1 to 16');
    }
    mistakes.push(...checkAge(at, pass));
    earlier.add(pass.name);
  }
  return mistakes;
}

function checkAge(at: string, pass: Pass): Mistake[] {
  switch (pass.kind) {
    case 'expireRows':
      return [...checkExpiry(at, pass), ...checkFilters(at, pass)];
    case 'deleteOrphans':
    case 'deleteUnreferenced':
      return [...checkHorizon(at, 'grace', pass.grace), ...checkFilter(at, 'where', pass.where)];
    case 'reclaimSpace':
      return checkReclaimSpace(at, pass);
    case 'deleteRecordedFiles':
    case 'measureSize':
    case 'repointLatest':
    case 'sweepStrayFiles':
      return [];
    case 'reportRows':
      return [
        ...checkHorizon(at, 'olderThan', pass.olderThan),
        ...checkFilter(at, 'where', pass.where),
        ...checkResolve(at, pass),
      ];
  }
}

function checkFilters(at: string, { where, overrides }: Pick<ExpireRows, 'where' | 'overrides'>): Mistake[] {
  return [
    ...checkFilter(at, 'where', where),
    ...overrides.flatMap((override, n) => checkFilter(at, `overrides[${n}].where`, override.where)),
  ];
}

function checkExpiry(at: string, pass: ExpireRows): Mistake[] {
  const mistakes: Mistake[] = [];
  const say = (what: string, fix: string): void => void mistakes.push({ at, what, fix });
  if (pass.age.length === 0) say('age names no property', 'Name the property with the age of a row');
  const entries = [
    { option: '', olderThan: pass.olderThan, keepLast: pass.keepLast },
    ...pass.overrides.map((override, n) => ({ ...override, option: `overrides[${n}].` })),
  ];
  for (const { option, olderThan, keepLast } of entries) {
    if (isRetentionColumn(olderThan)) {
      mistakes.push(...checkRetentionColumn(at, `${option}olderThan`, olderThan));
      if (olderThan.default !== null) {
        mistakes.push(
          ...checkRetention(at, `${option}olderThan.default`, olderThan.default, pass.allowShort),
        );
      }
    } else if (olderThan !== null) {
      mistakes.push(...checkRetention(at, `${option}olderThan`, olderThan, pass.allowShort));
    }
    if (keepLast === undefined || keepLast === null) continue;
    if (!isWhole(keepLast.count, 1, 1_000_000)) {
      const fix = 'Use a whole number from 1 to 1000000, or leave keepLast out';
      say(`${option}keepLast.count is ${String(keepLast.count)}`, fix);
    }
    if (keepLast.per.length === 0) {
      say(`${option}keepLast.per names no property`, 'Name the properties that make a group');
    }
  }
  if (entries.every(({ olderThan }) => olderThan === null)) {
    say('olderThan is null, so that nothing would ever expire', 'Give it a duration, or leave the pass out');
  }
  return mistakes;
}

function checkRetention(at: string, option: string, olderThan: unknown, allowShort: boolean): Mistake[] {
  const mistakes = checkHorizon(at, option, olderThan);
  const millis = parseDuration(olderThan);
  if (mistakes.length > 0 || millis === undefined || millis >= HOUR || allowShort) return mistakes;
  const fix = 'Use at least one hour, or say allowShort: true where that is meant';
  return [
    {
      at,
      what: `${option} is ${sayDuration(millis)}, so that nearly everything would be deleted`,
      fix,
    },
  ];
}

function checkResolve(at: string, { resolve }: ReportRows): Mistake[] {
  if (resolve === undefined) return [];
  const mistakes: Mistake[] = [];
  if (typeof resolve.each !== 'function') {
    mistakes.push({ at, what: 'resolve is no function', fix: 'Give it one that takes the key of a row' });
  }
  if (!isWhole(resolve.concurrency, 1, 16)) {
    const what = `resolve.concurrency is ${String(resolve.concurrency)}`;
    mistakes.push({ at, what, fix: 'Use a whole number from 1 to 16' });
  }
  const timeout = parseDuration(resolve.timeout);
  if (timeout === undefined || timeout < 100 || timeout > 60 * SECOND) {
    const what = `resolve.timeout is ${JSON.stringify(resolve.timeout)}`;
    mistakes.push({ at, what, fix: "Use a duration from '100 ms' to '1 minute'" });
  }
  return mistakes;
}

function checkHorizon(at: string, option: string, value: unknown): Mistake[] {
  const millis = parseDuration(value);
  if (millis === undefined) {
    return [{ at, what: `${option} ${sayValue(value)} is no duration`, fix: "Say it like '90 days'" }];
  }
  if (millis >= 0) return [];
  return [
    {
      at,
      what: `${option} ${JSON.stringify(value)} is negative, so its horizon would lie in the future and rows that are not old would go`,
      fix: 'Use a positive duration',
    },
  ];
}

function isWhole(value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
