import type { EpochUnit } from '../../../policy/epoch.ts';
import type { CatalogColumn } from '../../dialect/catalog.ts';
import { isNumber } from '../../dialect/column-types.ts';
import { recogniseEpoch } from '../../resolve/epoch-unit.ts';
import { hasIndexOn } from '../../resolve/scan-choice.ts';
import { findInstantType } from './instant-type.ts';
import type { KnownTable } from './known-table.ts';
import type { AgeRole } from './time-words.ts';
import { findRole, isExpiryOfRow } from './time-words.ts';
import { hasWord, splitWords } from './words.ts';

/** A column that may say how old a row is. */
export interface AgeCandidate {
  readonly column: CatalogColumn;
  readonly role: AgeRole;
  /** What it counts since 1970; null if it is a timestamp or date. */
  readonly unit: EpochUnit | null;
  readonly indexed: boolean;
  /** The share of rows in which it is null, 0 to 1. */
  readonly nullShare: number;
}

/** Rows with a state are over at their end, what is used for long some time after its last use, others when they say so themselves. */
const RANKS: Readonly<Record<'stateful' | 'used' | 'other', readonly AgeRole[]>> = {
  stateful: ['end', 'event', 'creation', 'expiry', 'change'],
  used: ['expiry', 'change', 'end', 'event', 'creation'],
  other: ['expiry', 'end', 'event', 'creation', 'change'],
};

/** Ages by which no row in use is old. They come first, with an index or without. */
const BEFORE_INDEXES: Readonly<Record<keyof typeof RANKS, readonly AgeRole[]>> = {
  stateful: [],
  used: ['expiry', 'change'],
  other: ['expiry'],
};

/** Last words of names for what is used for long: each change of a session is a use of it. */
const USED_WORDS = new Set(['session', 'connection', 'token']);

/** In fewer rows a column may be null by chance. */
const ENOUGH_ROWS = 100;

/** The columns that may be the age of a table's rows, best first: those by which no row in use is old, then those with an index. */
export function listAges(table: KnownTable, hasState: boolean): AgeCandidate[] {
  const kind = hasState ? 'stateful' : isUsed(table.catalog.name) ? 'used' : 'other';
  const roles = RANKS[kind];
  const first = BEFORE_INDEXES[kind];
  const rank = ({ role, indexed, nullShare }: AgeCandidate): readonly number[] => [
    nullShare === 1 && table.rows >= ENOUGH_ROWS ? 1 : 0,
    first.includes(role) ? first.indexOf(role) : first.length,
    indexed ? 0 : 1,
    roles.indexOf(role),
    nullShare,
  ];
  return [...table.catalog.columns.values()]
    .flatMap((column) => toCandidate(table, column))
    .filter(({ role }) => roles.includes(role))
    .toSorted((a, b) => compareRanks(rank(a), rank(b)));
}

function toCandidate({ catalog, values }: KnownTable, column: CatalogColumn): AgeCandidate[] {
  const known = values.get(column.name);
  const unit =
    findInstantType(column) !== undefined
      ? null
      : isNumber(column.type)
        ? recogniseEpoch(known?.values ?? [])
        : undefined;
  if (unit === undefined) return [];
  const named = findRole(column.name);
  const role = named === 'expiry' && !isExpiryOfRow(column.name, catalog.name) ? 'other' : named;
  return [{ column, role, unit, indexed: hasIndexOn(catalog, column), nullShare: known?.nullShare ?? 0 }];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const n = a.findIndex((rank, index) => rank !== b[index]);
  return n === -1 ? 0 : (a[n] ?? 0) - (b[n] ?? 0);
}

/** Whether rows of a table are used for long after they were made, by its name. */
export function isUsed(table: string): boolean {
  return hasWord(splitWords(table).slice(-1), USED_WORDS);
}
