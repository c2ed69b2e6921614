import { chance, choose } from './choose.ts';
import type { Random } from './choose.ts';

// How tables are made: types, what names what, and what is odd about them.

export const DAY = 24 * 3600 * 1000;

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
  /** A table of the same name in another schema references parents too. */
  readonly hasTwin: boolean;
  readonly isIndexed: boolean;
  /** What the program may refuse. */
  readonly odd: Odd;
}

/** What may be odd about tables, entities or the session. */
export type Odd =
  | 'nothing'
  /** The search path of the session does not find the types of keys and groups. */
  | 'narrow path'
  /** Children hold keys of a type that takes other values for equal than the parent does. */
  | 'incomparable'
  /** The entity says that children name a row of another table. */
  | 'other entity'
  /** Passes name a table that others inherit from. */
  | 'named heirs'
  /** Children lie in partitions. */
  | 'partitioned';

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

export interface AgeType {
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

/** Keys of which one type takes for equal what the other tells apart. */
const INCOMPARABLE: readonly KeyType[] = [
  { parent: 'text', child: 'ext.citext', spell: inAnyCase },
  { parent: 'text', child: 'text collate ext.any_case', spell: inAnyCase },
  { parent: 'text', child: 'integer', spell: asIs },
  { parent: 'varchar(9)', child: 'numeric', spell: withZeros },
];

/** Keys of types whose operators a narrow search path does not find. */
const HIDDEN = KEYS.filter(({ parent }) => parent.startsWith('ext.'));

/** What is made once: types in schemas of their own, which the search path finds. */
export const TYPES_SQL = `
  create schema ext;
  create schema "Types";
  create extension citext schema ext;
  create domain ext.handle as ext.citext;
  create domain ext.moment as timestamptz;
  create domain "Types"."Key No" as bigint check (value > 0);
  create collation ext.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`;

export function makeShape(random: Random): Shape {
  const odd: Odd = chance(random, 0.6)
    ? 'nothing'
    : choose(random, [
        'narrow path',
        'incomparable',
        'other entity',
        'named heirs',
        'partitioned',
        'partitioned',
      ]);
  const isHidden = odd === 'narrow path' && chance(random, 0.7);
  // Only without a foreign key can they be incomparable, and only codes have types to choose from.
  const names = odd === 'incomparable' || isHidden ? 'code' : choose(random, ['id', 'code'] as const);
  const foreignKey =
    odd === 'incomparable'
      ? 'none'
      : odd === 'named heirs'
        ? 'cascade'
        : choose(random, ['none', 'cascade', 'set null'] as const);
  return {
    key: choose(random, odd === 'incomparable' ? INCOMPARABLE : isHidden ? HIDDEN : KEYS),
    group: choose(random, GROUPS),
    age: choose(random, AGES),
    names,
    foreignKey,
    // Without a foreign key nothing but the relation says that a column names a code.
    isRelation: odd === 'other entity' || (names === 'code' && foreignKey === 'none') || chance(random, 0.5),
    hasHeirs: odd === 'named heirs' || (odd === 'nothing' && foreignKey === 'cascade' && chance(random, 0.3)),
    hasTwin: foreignKey === 'cascade' && chance(random, 0.3),
    isIndexed: chance(random, 0.5),
    odd,
  };
}
