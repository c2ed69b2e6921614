import { defineEntity, p } from '@mikro-orm/core';

/** The entities of one family of odds, with the columns that the policy names; the tables of both are alike but for their prefix. */
function defineFamily(family: string) {
  const id = p.bigint('string').primary();
  const define = <P extends object>(table: string, properties: P) =>
    defineEntity({
      name: `${family}_${table}`,
      tableName: `${family}_${table}`,
      properties: { id, ...properties },
    });
  return {
    family,
    Tournament: define('tournament', { seenAt: p.datetime() }),
    Event: define('event', { startsAt: p.datetime() }),
    Run: define('run', { startedAt: p.datetime(), state: p.string() }),
    Snapshot: define('snapshot', { runId: p.bigint('string'), eventId: p.bigint('string') }),
    Odds: define('odds', { snapshotId: p.bigint('string'), at: p.datetime() }),
    MarketOdds: define('market_odds', { eventId: p.bigint('string'), at: p.datetime() }),
  };
}

export type Family = ReturnType<typeof defineFamily>;

export const own = defineFamily('own');
export const competitor = defineFamily('competitor');
