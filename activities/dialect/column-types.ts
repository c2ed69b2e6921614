/*
 * What the types of columns are good for: those of PostgreSQL, and those that the dialect of SQLite makes up in the same words.
 */

/** Whether values of two types are equal for one exactly if they are for the other: keys can be compared. */
export function isSameKind(a: string, b: string): boolean {
  return typeFamily(a) === typeFamily(b);
}

/** Whether a type can be an age. */
export function isInstant(type: string): boolean {
  return /^(timestamp|date)\b/.test(type) && !isList(type);
}

/** Whether a value of the type is the same instant in every time zone. */
export function hasTimeZone(type: string): boolean {
  return type.endsWith('with time zone');
}

/** Whether the type is a day, without a time. */
export function isDate(type: string): boolean {
  return type === 'date';
}

export function isNumber(type: string): boolean {
  return /^(smallint|integer|bigint|numeric|real|double precision)\b/.test(type) && !isList(type);
}

export function isText(type: string): boolean {
  return /^(text|character varying)\b/.test(type) && !isList(type);
}

/** Whether the type is a list of texts. */
export function isTextList(type: string): boolean {
  return /^(text|character varying(\(\d+\))?)\[\]$/.test(type);
}

/** A list of values is written as its element type with brackets. */
function isList(type: string): boolean {
  return type.endsWith('[]');
}

/** A type without its length or precision. */
export function withoutLength(type: string): string {
  return type.replace(/\(\d+(,-?\d+)?\)/, '');
}

function typeFamily(type: string): string {
  const bare = withoutLength(type);
  if (/^(smallint|integer|bigint)$/.test(bare)) return 'integer';
  if (/^(text|character varying)$/.test(bare)) return 'text';
  return bare;
}

/** The type of texts without a time zone, if they are known to be UTC. Other types stay. */
export function inUtc(type: string): string {
  return type.startsWith('timestamp text') && !hasTimeZone(type) ? `${type} with time zone` : type;
}

/** The type of a column without any value, which can still get values of any form: no row of it is old. */
export const NO_VALUES = 'timestamp without values';

/**
 * The type of an age beside ages of other types, all of which are compared as instants. One that does not say its time zone counts
 * from when it was over everywhere.
 */
export function toMixedType(type: string): string {
  return hasTimeZone(type) || type === NO_VALUES
    ? type
    : `timestamp of ${withoutLength(type)} with time zone`;
}

/** The type that {@link toMixedType} stands for; undefined if it is no such type. */
export function findMixedType(type: string): string | undefined {
  return /^timestamp of (.+) with time zone$/.exec(type)?.[1];
}

/** How long after the start of a value of a type without a time zone it is over everywhere, in hours: no zone is 12 behind UTC. */
export function hoursUntilOver(type: string): number {
  return isDate(type) ? 36 : 12;
}

/** The one type that some columns have as instants; undefined if they differ. One without values may be of any. */
export function findCommonType(types: readonly string[]): string | undefined {
  const known = new Set(types.filter((type) => type !== NO_VALUES));
  return known.size > 1 ? undefined : ([...known][0] ?? types[0]);
}

/**
 * The first and the last second since 1970 that count as instants: 1973 and 2128. Between them no unit has the numbers of
 * another.
 */
export const EPOCH_RANGE = [1e8, 5e9] as const;

/** The type of an age that is a number since 1970, in a unit like `milliseconds`, of a type of number. */
export function toEpochType(unit: string, numberType: string): string {
  return `timestamp in ${unit} of ${withoutLength(numberType)} with time zone`;
}

/** Whether the values of a column of SQLite are numbers since 1970. */
export function isStoredAsNumber(instantType: string): boolean {
  return instantType.startsWith('timestamp in ');
}

/** The type of an age that is a number of SQLite since 1970, in a unit. Values in another unit are no age. */
export function toStoredEpochType(unit: string): string {
  return `timestamp in ${unit} with time zone`;
}
