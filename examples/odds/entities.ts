import { defineEntity, p } from '@mikro-orm/core';

/** The entities of one family of odds; the tables of both are alike but for their prefix. */
function defineFamily(family: string) {
  const Tournament = defineEntity({
    name: `${family}_tournament`,
    tableName: `${family}_tournament`,
    properties: { id: p.bigint('string').primary(), name: p.string(), seenAt: p.datetime() },
  });
  const Event = defineEntity({
    name: `${family}_event`,
    tableName: `${family}_event`,
    properties: {
      id: p.bigint('string').primary(),
      tournamentId: p.bigint('string'),
      name: p.string(),
      startsAt: p.datetime(),
    },
  });
  const Run = defineEntity({
    name: `${family}_run`,
    tableName: `${family}_run`,
    properties: { id: p.bigint('string').primary(), startedAt: p.datetime(), state: p.string() },
  });
  const Snapshot = defineEntity({
    name: `${family}_snapshot`,
    tableName: `${family}_snapshot`,
    properties: {
      id: p.bigint('string').primary(),
      runId: p.bigint('string'),
      eventId: p.bigint('string'),
      takenAt: p.datetime(),
    },
  });
  const Odds = defineEntity({
    name: `${family}_odds`,
    tableName: `${family}_odds`,
    properties: {
      id: p.bigint('string').primary(),
      snapshotId: p.bigint('string'),
      outcome: p.string(),
      price: p.decimal(),
      at: p.datetime(),
    },
  });
  const MarketOdds = defineEntity({
    name: `${family}_market_odds`,
    tableName: `${family}_market_odds`,
    properties: {
      id: p.bigint('string').primary(),
      eventId: p.bigint('string'),
      market: p.string(),
      price: p.decimal(),
      at: p.datetime(),
    },
  });
  return { family, Tournament, Event, Run, Snapshot, Odds, MarketOdds };
}

export type Family = ReturnType<typeof defineFamily>;

export const own = defineFamily('own');
export const competitor = defineFamily('competitor');
