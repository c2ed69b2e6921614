import type { Pass } from 'temporal-vacuum';
import { definePolicy, deleteUnreferenced, expireRows, softChild } from 'temporal-vacuum';

import type { Family } from './entities.ts';
import { competitor, own } from './entities.ts';

/** Days from the environment, at least one. */
function readDays(name: string, usual: number): number {
  const days = Number(process.env[name] ?? usual);
  if (Number.isFinite(days) && days >= 1) return days;
  throw new Error(`${name} is ${JSON.stringify(process.env[name])}: use a number of days, at least 1`);
}

const oddsDays = readDays('ODDS_RETENTION_DAYS', 30);
const matchDays = readDays('MATCH_RETENTION_DAYS', 90);

/** What points at others goes first; tournaments when no event is left of them. */
function listPasses({ family, Tournament, Event, Run, Snapshot, Odds, MarketOdds }: Family): Pass[] {
  const odds = `${oddsDays} days` as const;
  const ofSnapshot = [softChild({ entity: Odds, by: 'snapshotId' })];
  return [
    expireRows({ name: `${family}-market-odds`, entity: MarketOdds, age: 'at', olderThan: odds }),
    expireRows({ name: `${family}-odds`, entity: Odds, age: 'at', olderThan: odds }),
    expireRows({
      name: `${family}-runs`,
      entity: Run,
      age: 'startedAt',
      olderThan: odds,
      where: { state: { $ne: 'running' } },
      // Snapshots would go by cascade, were it not for odds that still point at them.
      with: [softChild({ entity: Snapshot, by: 'runId', with: ofSnapshot })],
    }),
    expireRows({
      name: `${family}-events`,
      entity: Event,
      age: 'startsAt',
      olderThan: `${matchDays} days`,
      with: [
        softChild({ entity: MarketOdds, by: 'eventId' }),
        softChild({ entity: Snapshot, by: 'eventId', with: ofSnapshot }),
      ],
    }),
    deleteUnreferenced({
      name: `${family}-tournaments`,
      entity: Tournament,
      age: 'seenAt',
      grace: `${matchDays} days`,
    }),
  ];
}

export const odds = definePolicy({
  name: 'odds',
  enabled: true,
  entities: [own, competitor].flatMap(({ family: _family, ...entities }) => Object.values(entities)),
  passes: [...listPasses(own), ...listPasses(competitor)],
  // Half a year of odds with thirty days to stay: the first run takes most of them.
  limits: { maxPercent: 100 },
  schedule: { cron: '30 4 * * *', timezone: 'UTC' },
});
