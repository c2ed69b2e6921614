import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../policy/delete-orphans.ts';
import type { ExpireRowsOptions } from '../../policy/expire-rows.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Policy, PolicyOptions } from '../../policy/policy.ts';
import { definePolicy } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';

// Tables that are large enough to be guarded, of which a sound policy deletes a fifth.

export const Thing = defineEntity({
  name: 'Thing',
  properties: { id: p.integer().primary(), state: p.string(), at: p.datetime() },
});
export const Part = defineEntity({
  name: 'Part',
  properties: { id: p.integer().primary(), thingId: p.integer(), at: p.datetime() },
});
export const Note = defineEntity({
  name: 'Note',
  properties: { id: p.integer().primary(), thingId: p.integer().nullable(), at: p.datetime() },
});

/** Rows of each table. */
export const THINGS = 1500;

const SCHEMA = `
  create table thing (id integer primary key, state text not null, at timestamptz not null);
  create table part (
    id integer primary key, thing_id integer not null references thing on delete cascade, at timestamptz not null);
  create table note (id integer primary key, thing_id integer, at timestamptz not null);
  create table bolt (id integer primary key, part_id integer not null references part on delete cascade);
  insert into thing
    select n, case when n % 10 = 0 then 'busy' else 'done' end, now() - n % 100 * interval '9 hours'
    from generate_series(1, ${THINGS}) as n;
  insert into part select n, n, now() from generate_series(1, ${THINGS}) as n;
  insert into note select n, n, now() - n % 100 * interval '9 hours' from generate_series(1, ${THINGS}) as n;
  create index on thing (at);
  create index on part (thing_id);
  create index on note (thing_id);
  create index on bolt (part_id);
  analyze`;

/** Makes a template with the tables, on the shared server or another; tests copy it by its name in some milliseconds. */
export async function makeThings(server?: string): Promise<string> {
  const { rows, pool, name } = await createDatabase('template0', server);
  await rows(SCHEMA);
  // Nobody may be connected to what is copied.
  await pool.end();
  return name;
}

/** How many rows there are, table by table. */
export async function countThings({ rows }: TestDatabase): Promise<unknown> {
  return rows(`
    select
      (select count(*) from thing) as thing, (select count(*) from part) as part,
      (select count(*) from note) as note, (select count(*) from bolt) as bolt`);
}

/** A pass that deletes a fifth of the things, unless configured otherwise. */
export function oldThings(options: Partial<ExpireRowsOptions<any>> = {}): Pass {
  return expireRows<any>({ name: 'old-things', entity: Thing, age: 'at', olderThan: '30 days', ...options });
}

/** A pass that deletes notes of things that are gone. */
export function lostNotes(options: object = {}): Pass {
  const usual = { name: 'lost-notes', entity: Note, by: 'thingId', parent: Thing, age: 'at' } as const;
  return deleteOrphans({ ...usual, ...options });
}

/** An enabled policy over the things. */
export function thingPolicy(options: Partial<PolicyOptions> = {}): Policy {
  return definePolicy({
    name: 'things',
    enabled: true,
    entities: [Thing, Part, Note],
    passes: [oldThings()],
    ...options,
  });
}
