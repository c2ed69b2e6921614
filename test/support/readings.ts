import { defineEntity, p } from '@mikro-orm/core';

import type { DropPartitions } from '../../policy/drop-partitions.ts';
import { dropPartitions } from '../../policy/drop-partitions.ts';
import type { Duration } from '../../policy/duration.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Policy, PolicyOptions } from '../../policy/policy.ts';
import { definePolicy } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';

// Readings of devices in partitions by time. Those of more than thirty days ago are old.

const properties = { id: p.integer().primary(), ts: p.datetime(), device: p.integer().nullable() };
export const Reading = defineEntity({ name: 'Reading', properties });
/** The first partition, as an entity of its own. */
export const FirstReading = defineEntity({ name: 'FirstReading', tableName: 'reading_1', properties });
export const Device = defineEntity({
  name: 'Device',
  properties: { id: p.integer().primary(), made: p.datetime() },
});

/** Rows of each partition: 3 old ones with 10 rows each, one that the horizon lies in, a new one and one for all others. */
const SCHEMA = `
  create table reading (id integer not null, ts timestamptz not null, device integer, primary key (id, ts))
    partition by range (ts);
  do $$
  declare
    horizon timestamptz := date_trunc('second', now()) - interval '30 days';
    bounds timestamptz[] := array[
      horizon - interval '20 days', horizon - interval '10 days', horizon, horizon + interval '1 hour', horizon + interval '40 days'];
  begin
    execute 'create table reading_default partition of reading default';
    execute format('create table reading_1 partition of reading for values from (minvalue) to (%L)', bounds[1]);
    for n in 2..5 loop
      execute format('create table reading_%s partition of reading for values from (%L) to (%L)', n, bounds[n - 1], bounds[n]);
    end loop;
    for n in 1..5 loop
      insert into reading
        select n * 100 + m, bounds[n] - m * interval '1 minute', n * 100 + m from generate_series(1, 10) as m;
    end loop;
    insert into reading values (601, horizon + interval '100 years', 601);
  end $$;
  analyze`;

/** A database with readings, on the shared server or another. */
export async function createReadings(server?: string): Promise<TestDatabase> {
  const database = await createDatabase('template0', server);
  await database.rows(SCHEMA);
  return database;
}

/** A pass that drops partitions of readings of more than thirty days ago. */
export function dropOld(options: { readonly lockTimeout?: Duration } = {}): DropPartitions {
  return dropPartitions({ name: 'old', entity: Reading, age: 'ts', olderThan: '30 days', ...options });
}

/** An enabled policy over readings. */
export function readingsPolicy(passes: readonly Pass[], options: Partial<PolicyOptions> = {}): Policy {
  const entities = [Reading, FirstReading, Device];
  return definePolicy({ name: 'p', enabled: true, entities, passes: [...passes], ...options });
}

/** The partitions that are still there. */
export async function readPartitions(database: TestDatabase): Promise<string[]> {
  const rows = await database.rows<{ name: string }>(`
    select relname as name from pg_class where relkind in ('r', 'p') and relname like 'reading\\_%' order by relname`);
  return rows.map(({ name }) => name);
}
