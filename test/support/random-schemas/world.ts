import { choose, chance } from './choose.ts';
import type { Random } from './choose.ts';
import type { AgeType, Shape } from './shape.ts';
import { DAY, makeShape } from './shape.ts';

// Tables with rows, as data and as SQL. A key is a number here, whatever the database stores and however it is spelled.

export interface Parent {
  readonly id: number;
  readonly code: number;
  /** Its group; null is one as well. */
  readonly group: number | null;
  readonly state: string;
  /** Milliseconds since the epoch; null if it has no age. */
  readonly at: number | null;
  readonly days: number | null;
}

export interface Child {
  readonly id: number;
  /** The id or the code of a parent, as the shape says; null for none. */
  ref: number | null;
  readonly at: number | null;
}

/** The rows of all tables. */
export interface World {
  readonly shape: Shape;
  readonly now: number;
  parents: Parent[];
  children: Child[];
  readonly heirs: readonly Child[];
  /** Rows of the other table that references parents. */
  twins: Child[];
  /** Codes that tags name. */
  readonly tags: readonly number[];
}

/** Before Christ, and what no clock shows. */
const ODD_AGES = [-Infinity, Infinity, Date.UTC(-3999, 0, 1)];

export function makeWorld(random: Random, now: number): World {
  const shape = makeShape(random);
  const { foreignKey } = shape;
  const count = 6 + Math.floor(random() * 14);
  // Codes are ids of others: whoever takes one for the other finds a parent.
  const shift = 1 + Math.floor(random() * (count - 1));
  const parents = Array.from({ length: count }, (_, n): Parent => ({
    id: n + 1,
    code: ((n + shift) % count) + 1,
    group: chance(random, 0.2) ? null : 1 + Math.floor(random() * 3),
    state: choose(random, ['open', 'done', 'done', 'legal']),
    at: makeAge(random, shape.age, now),
    // As a number of days, more than 8,000 years are for ever.
    days: choose(random, [null, 0, -10, 10, 20, 30, 60, 3_000_000]),
  }));
  const lost = foreignKey === 'none' ? 8 : 0;
  const makeChildren = (first: number, length: number): Child[] =>
    Array.from({ length }, (_, n) => ({
      id: first + n,
      ref: chance(random, 0.1) ? null : 1 + Math.floor(random() * (count + lost)),
      at: makeAge(random, shape.age, now),
    }));
  return {
    shape,
    now,
    parents,
    children: makeChildren(1, 10 + Math.floor(random() * 40)),
    heirs: shape.hasHeirs ? makeChildren(1, 20) : [],
    twins: shape.hasTwin ? makeChildren(1, 15) : [],
    // No two spellings of a key are equal where children tell them apart.
    tags: Array.from(
      { length: shape.odd === 'incomparable' ? 0 : Math.floor(random() * 5) },
      () => 1 + Math.floor(random() * count),
    ),
  };
}

/** Horizons lie whole tens of days ago. */
function makeAge(random: Random, { isCoarse, round }: AgeType, now: number): number | null {
  const roll = random();
  if (roll < 0.1) return null;
  if (roll < 0.2) return choose(random, ODD_AGES);
  const tens = Math.floor(random() * 8) * 10;
  const beside = isCoarse ? 3 + random() * 4 : choose(random, [-1 / 24, 1 / 24, random() * 10]);
  return Math.floor((now - (tens + beside) * DAY) / round) * round;
}

/** The statements that make the tables and fill them. */
export function toSql({ shape, parents, children, heirs, twins, tags }: World, random: Random): string {
  const { key, group, age, names, foreignKey } = shape;
  const isPartitioned = shape.odd === 'partitioned';
  const ref = names === 'id' ? 'integer' : key.child;
  const spellRef = (value: number | null): string =>
    value === null ? 'null' : `'${names === 'id' ? String(value) : key.spell(value, random)}'`;
  const childRows = (rows: readonly Child[]): string[] =>
    rows.map(({ id, ref: value, at }) => `(${id}, ${spellRef(value)}, ${spellAge(at)})`);
  return [
    `create table parent (
       id integer primary key, code ${key.parent} not null unique, grp ${group.sql}, state text not null,
       at ${age.sql}, days integer)`,
    `create table child (id integer primary key, ref ${ref}, at ${age.sql}) ${isPartitioned ? 'partition by hash (id)' : ''}`,
    ...(isPartitioned ? [0, 1, 2].map(toPartition) : []),
    `create table tag (id integer primary key, code ${shape.odd === 'incomparable' ? key.parent : key.child})`,
    ...(shape.hasHeirs ? ['create table heir () inherits (child)'] : []),
    ...(shape.isIndexed
      ? ['create index on parent (at)', 'create index on child (ref)', 'create index on child (at)']
      : []),
    insert(
      'parent',
      parents.map(
        (row) =>
          `(${row.id}, '${key.spell(row.code, random)}', ${row.group === null ? 'null' : `'${group.spell(row.group, random)}'`},
            '${row.state}', ${spellAge(row.at)}, ${row.days ?? 'null'})`,
      ),
    ),
    insert('child', childRows(children)),
    insert('heir', childRows(heirs)),
    ...(shape.hasTwin
      ? [
          `create table "Types".child (id integer primary key, ref ${ref}, at ${age.sql})`,
          insert('"Types".child', childRows(twins)),
        ]
      : []),
    insert(
      'tag',
      tags.map((code, n) => `(${n + 1}, '${key.spell(code, random)}')`),
    ),
    ...(foreignKey === 'none'
      ? []
      : ['child', ...(shape.hasTwin ? ['"Types".child'] : [])].map(
          (table) =>
            `alter table ${table} add foreign key (ref) references parent (${names}) on delete ${foreignKey}`,
        )),
    'analyze',
  ].join(';\n');
}

/** A partition, which has a name that the search path does not find. */
function toPartition(n: number): string {
  const schema = n === 0 ? '"Types".' : '';
  return `create table ${schema}child_${n} partition of child for values with (modulus 3, remainder ${n})`;
}

function insert(table: string, rows: readonly string[]): string {
  return rows.length === 0 ? 'select' : `insert into ${table} values ${rows.join(', ')}`;
}

function spellAge(at: number | null): string {
  if (at === null) return 'null';
  if (!Number.isFinite(at)) return `'${at > 0 ? 'infinity' : '-infinity'}'`;
  if (at === ODD_AGES[2]) return `'4000-01-01 BC'`;
  return `'${new Date(at).toISOString()}'`;
}
