import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { definePolicy } from '../../policy/policy.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import type { EngineOptions } from '../support/engine.ts';
import { ENTITIES, PolicyMaker } from '../support/random-policies.ts';
import type { Row, TableOfWorld, World } from '../support/random-world.ts';
import { AGES, COLUMNS, FOR_EVER, makeWorld, TABLES_OF_WORLD } from '../support/random-world.ts';
import { makeRandom, SEED } from '../support/random.ts';
import { createFile } from '../support/sqlite.ts';
import { runAsPreviewed } from '../support/truth.ts';

/** So many random policies; the long run of a person has more. */
const POLICIES = Number(process.env['TEST_POLICIES'] ?? 12);
const ITEMS = 150;

const INDEXES = ['item (at)', 'note (item_id)', 'child (item_id)', 'note (grp)', 'tagging (tag_id)'];

/** The tables, with a type for ages. */
function makeSchema(instant: string, indexes: readonly string[]): string {
  return `
    create table owner (id integer primary key, kind text);
    create table item (
      id integer primary key, owner_id integer, grp integer, state text, days integer, at ${instant}, ended ${instant});
    create table child (id integer primary key, item_id integer references item on delete cascade, at ${instant});
    create table grandchild (id integer primary key, child_id integer references child on delete cascade);
    create table note (id integer primary key, item_id integer, grp integer, at ${instant});
    create table latest (id integer primary key, grp integer, note_id integer);
    create table tag (id integer primary key, at ${instant});
    create table tagging (id integer primary key, tag_id integer);
    ${indexes.map((on, n) => `create index by_${n} on ${on};`).join('\n')}`;
}

/** How a library stores an instant in SQLite. */
const FORMS: Readonly<Record<string, (millis: number) => string | number>> = {
  'text with a blank': (millis) => new Date(millis).toISOString().slice(0, 19).replace('T', ' '),
  'text with microseconds': (millis) => `${new Date(millis).toISOString().slice(0, 23).replace('T', ' ')}000`,
  'text with T and Z': (millis) => new Date(millis).toISOString(),
  'text with an offset': (millis) => `${new Date(millis).toISOString().slice(0, 19).replace('T', ' ')}+00:00`,
  seconds: (millis) => millis / 1000,
  milliseconds: (millis) => millis,
  microseconds: (millis) => millis * 1000,
  'real seconds': (millis) => millis / 1000 + 0.25,
};

/** How SQLite may store what is no number of days, so that its row is kept as by a great number. */
const SPELLINGS = [`'for ever'`, `x'00ff'`, `''`, String(FOR_EVER)];

/** Ages that are none, in any class of SQLite; and in PostgreSQL. Rows with these come during the run, and stay. */
const NO_AGES = {
  sqlite: [`''`, `'never'`, `x'3230'`, '0', '-1', '1e300', `'0000-00-00 00:00:00'`, `'2001'`],
  postgres: [`'infinity'`, 'null'],
} as const;

const FIRST_STRANGER = 10_000;
const HAVE_AGES: readonly TableOfWorld[] = ['item', 'child', 'note', 'tag'];

/** Rows that come during a run, one with each of some ages in each table that has ages. */
function addStrangers(ages: readonly string[]): string {
  const rows = ages.map((age, n) => `(${FIRST_STRANGER + n}, ${age})`).join(', ');
  return HAVE_AGES.map((table) => `insert into ${table} (id, at) values ${rows};`).join(' ');
}

/** A statement that fills a table; values are numbers, texts of ours or null. */
function fill(
  table: TableOfWorld,
  rows: readonly Row[],
  instant: (millis: number, column: string) => string | number,
  forEver: string,
): string {
  if (rows.length === 0) return '';
  const columns = COLUMNS[table];
  const literal = (column: string, value: string | number | null): string => {
    if (column === 'days' && value === FOR_EVER) return forEver;
    const stored = value !== null && AGES.includes(column) ? instant(Number(value), column) : value;
    return typeof stored === 'string' ? `'${stored}'` : String(stored);
  };
  const values = rows.map(
    (row) => `(${columns.map((column) => literal(column, row[column] ?? null)).join(', ')})`,
  );
  return `insert into ${table} (${columns.join(', ')}) values ${values.join(', ')};`;
}

/** The ids of each table, and what pointers name. */
function listIds(
  read: (sql: string) => readonly { readonly id: number; readonly note?: number | null }[],
): object {
  return Object.fromEntries(
    TABLES_OF_WORLD.map((table) => [
      table,
      read(`select id${table === 'latest' ? ', note_id as note' : ''} from ${table} order by id`).map((row) =>
        table === 'latest' ? [row.id, row.note] : row.id,
      ),
    ]),
  );
}

/** The same of a world, with so many strangers. */
function listWorld(world: World, strangers: number): object {
  const ids = Array.from({ length: strangers }, (_, n) => FIRST_STRANGER + n);
  return Object.fromEntries(
    TABLES_OF_WORLD.map((table) => [
      table,
      [
        ...world
          .rows(table)
          .toSorted((a, b) => a.id - b.id)
          .map((row) => (table === 'latest' ? [row.id, row['note_id']] : row.id)),
        ...(HAVE_AGES.includes(table) ? ids : []),
      ],
    ]),
  );
}

/** Has rows come once the run is under way. */
function withStrangers(options: EngineOptions, add: () => unknown): EngineOptions {
  let batches = 0;
  return {
    ...options,
    afterBatch: async () => {
      batches += 1;
      if (batches === 1) await add();
    },
  };
}

describe(`random policies on both databases, as plain loops would have it (TEST_SEED=${SEED})`, () => {
  let postgres: TestDatabase;
  let deleted = 0;

  beforeAll(async () => {
    postgres = await createDatabase('template0');
    await postgres.rows(makeSchema('timestamptz', INDEXES));
  });
  afterAll(async () => {
    await postgres.drop();
    expect(deleted).toBeGreaterThan(POLICIES);
  });

  test.each(Array.from({ length: POLICIES }, (_, n) => SEED + n))('policy %i', async (seed) => {
    const maker = new PolicyMaker(makeRandom(seed));
    const world = makeWorld(makeRandom(seed + 1_000_000), Date.now(), ITEMS);
    const passes = maker.makePasses();
    const policy: Policy = definePolicy({
      name: 'random',
      enabled: true,
      entities: ENTITIES,
      passes: passes.map(({ pass }) => pass),
    });
    const options: EngineOptions = maker.pick<EngineOptions>([
      {},
      { size: 7 },
      { size: 3, lockFirst: true },
      { scan: 'by-location' },
      { scan: 'by-age', size: 20 },
      { scan: 'by-parent-key', size: 5 },
      { lockFirst: true, size: 40 },
    ]);
    const [form, write] = maker.pick(Object.entries(FORMS));
    // The ages of one row may be stored in two forms.
    const [formOfEnd, writeEnd] = maker.chance(0.4) ? maker.pick(Object.entries(FORMS)) : [form, write];
    const store = (millis: number, column: string): string | number =>
      column === 'ended' ? writeEnd(millis) : write(millis);
    const spelling = maker.pick(SPELLINGS);
    const indexes = INDEXES.filter(() => maker.chance(0.6));
    const expected = world.copy();
    for (const { apply } of passes) apply(expected, world);

    const file = createFile(makeSchema(maker.pick(['datetime', 'timestamp', 'blob', '']), indexes));
    try {
      for (const table of TABLES_OF_WORLD) file.execute(fill(table, world.rows(table), store, spelling));
      const about = { seed, form, formOfEnd, options, spelling };
      const onSqlite = await runAsPreviewed(
        file.url,
        policy,
        withStrangers(options, () => file.execute(addStrangers(NO_AGES.sqlite))),
      );
      expect({ about, left: listIds((sql) => file.rows(sql)) }).toEqual({
        about,
        left: listWorld(expected, NO_AGES.sqlite.length),
      });
      expect(file.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);

      await postgres.rows(`truncate ${TABLES_OF_WORLD.join(', ')}`);
      for (const table of TABLES_OF_WORLD) {
        const own = fill(
          table,
          world.rows(table),
          (millis) => new Date(millis).toISOString(),
          String(FOR_EVER),
        );
        if (own !== '') await postgres.rows(own);
      }
      const onPostgres = await runAsPreviewed(
        postgres.url,
        policy,
        withStrangers(options, async () => postgres.rows(addStrangers(NO_AGES.postgres))),
      );
      const left = new Map<string, readonly { id: number; note?: number | null }[]>();
      for (const table of TABLES_OF_WORLD) {
        const sql = `select id${table === 'latest' ? ', note_id as note' : ''} from ${table} order by id`;
        left.set(sql, await postgres.rows(sql));
      }
      expect({ about, left: listIds((sql) => left.get(sql) ?? []) }).toEqual({
        about,
        left: listWorld(expected, NO_AGES.postgres.length),
      });
      expect(onSqlite).toEqual(onPostgres);
      const counts = Object.values(onSqlite).flatMap((tables) => Object.values(tables));
      deleted += counts.reduce((sum, rows) => sum + rows, 0);
    } finally {
      file.drop();
    }
  });
});
