import { choose, chance } from './choose.ts';
import type { Random } from './choose.ts';

// Tables with rows, as data and as SQL. A key is a number here, whatever the database stores and however it is spelled.

export const DAY = 24 * 3600 * 1000;

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

/** How the tables are made. */
export interface Shape {
  readonly key: KeyType;
  readonly group: GroupType;
  readonly age: AgeType;
  /** What children name a parent by. */
  readonly names: 'id' | 'code';
  readonly foreignKey: 'none' | 'cascade' | 'set null';
  /** The entity of the child has a relation, or the column alone. */
  readonly isRelation: boolean;
  /** A table inherits from the children; then no pass may name them. */
  readonly hasHeirs: boolean;
  readonly isIndexed: boolean;
}

/** The rows of all tables. */
export interface World {
  readonly shape: Shape;
  readonly now: number;
  parents: Parent[];
  children: Child[];
  readonly heirs: readonly Child[];
  /** Codes that tags name. */
  readonly tags: readonly number[];
}

interface KeyType {
  readonly parent: string;
  readonly child: string;
  spell(key: number, random: Random): string;
}

const asIs = (key: number): string => String(key);
const inAnyCase = (key: number, random: Random): string =>
  `key${key}`.replaceAll(/./g, (sign) => (chance(random, 0.5) ? sign.toUpperCase() : sign));
const withZeros = (key: number, random: Random): string => `${key}${choose(random, ['', '.0', '.000'])}`;

const KEYS: readonly KeyType[] = [
  { parent: 'integer', child: 'integer', spell: asIs },
  { parent: 'bigint', child: 'smallint', spell: asIs },
  { parent: 'smallint', child: 'bigint', spell: asIs },
  { parent: 'text', child: 'varchar(40)', spell: (key) => `k${key}` },
  {
    parent: 'uuid',
    child: 'uuid',
    spell: (key) => `00000000-0000-0000-0000-${String(key).padStart(12, '0')}`,
  },
  { parent: 'ext.citext', child: 'ext.citext', spell: inAnyCase },
  { parent: 'ext.handle', child: 'ext.citext', spell: inAnyCase },
  { parent: 'text collate ext.any_case', child: 'text collate ext.any_case', spell: inAnyCase },
  { parent: '"Types"."Key No"', child: 'integer', spell: asIs },
  { parent: 'numeric', child: 'numeric', spell: withZeros },
];

interface GroupType {
  readonly sql: string;
  spell(group: number, random: Random): string;
}

const GROUPS: readonly GroupType[] = [
  { sql: 'integer', spell: asIs },
  { sql: 'numeric', spell: withZeros },
  { sql: 'ext.citext', spell: inAnyCase },
  { sql: 'text collate ext.any_case', spell: inAnyCase },
  { sql: 'text', spell: (group) => `g${group}` },
];

interface AgeType {
  readonly sql: string;
  /** It does not tell an instant to the hour: ages keep away from horizons by days. */
  readonly isCoarse: boolean;
  readonly round: number;
}

const AGES: readonly AgeType[] = [
  { sql: 'timestamptz', isCoarse: false, round: 1000 },
  { sql: 'timestamptz(0)', isCoarse: false, round: 1000 },
  { sql: 'ext.moment', isCoarse: false, round: 1000 },
  { sql: 'timestamp', isCoarse: true, round: 1000 },
  { sql: 'date', isCoarse: true, round: DAY },
];

/** What is made once: types in schemas of their own, which the search path finds. */
export const TYPES_SQL = `
  create schema ext;
  create schema "Types";
  create extension citext schema ext;
  create domain ext.handle as ext.citext;
  create domain ext.moment as timestamptz;
  create domain "Types"."Key No" as bigint check (value > 0);
  create collation ext.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`;

/** Before Christ, and what no clock shows. */
const ODD_AGES = [-Infinity, Infinity, Date.UTC(-3999, 0, 1)];

export function makeWorld(random: Random, now: number): World {
  const names = choose(random, ['id', 'code'] as const);
  const foreignKey = choose(random, ['none', 'cascade', 'set null'] as const);
  const shape: Shape = {
    key: choose(random, KEYS),
    group: choose(random, GROUPS),
    age: choose(random, AGES),
    names,
    foreignKey,
    // Without a foreign key nothing but the relation says that a column names a code.
    isRelation: (names === 'code' && foreignKey === 'none') || chance(random, 0.5),
    hasHeirs: foreignKey === 'cascade' && chance(random, 0.3),
    isIndexed: chance(random, 0.5),
  };
  const count = 6 + Math.floor(random() * 14);
  // Codes are ids of others: whoever takes one for the other finds a parent.
  const shift = 1 + Math.floor(random() * (count - 1));
  const parents = Array.from({ length: count }, (_, n): Parent => ({
    id: n + 1,
    code: ((n + shift) % count) + 1,
    group: chance(random, 0.2) ? null : 1 + Math.floor(random() * 3),
    state: choose(random, ['open', 'done', 'done', 'legal']),
    at: makeAge(random, shape.age, now),
    days: choose(random, [null, 0, -10, 10, 20, 30, 60]),
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
    tags: Array.from({ length: Math.floor(random() * 5) }, () => 1 + Math.floor(random() * count)),
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
export function toSql({ shape, parents, children, heirs, tags }: World, random: Random): string {
  const { key, group, age, names, foreignKey } = shape;
  const ref = names === 'id' ? 'integer' : key.child;
  const spellRef = (value: number | null): string =>
    value === null ? 'null' : `'${names === 'id' ? String(value) : key.spell(value, random)}'`;
  const childRows = (rows: readonly Child[]): string[] =>
    rows.map(({ id, ref: value, at }) => `(${id}, ${spellRef(value)}, ${spellAge(at)})`);
  return [
    `create table parent (
       id integer primary key, code ${key.parent} not null unique, grp ${group.sql}, state text not null,
       at ${age.sql}, days integer)`,
    `create table child (id integer primary key, ref ${ref}, at ${age.sql})`,
    `create table tag (id integer primary key, code ${key.child})`,
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
    insert(
      'tag',
      tags.map((code, n) => `(${n + 1}, '${key.spell(code, random)}')`),
    ),
    ...(foreignKey === 'none'
      ? []
      : [`alter table child add foreign key (ref) references parent (${names}) on delete ${foreignKey}`]),
    'analyze',
  ].join(';\n');
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
