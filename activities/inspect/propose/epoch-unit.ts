/** What a number since 1970 counts. */
export type EpochUnit = 's' | 'ms' | 'us';

/** Ten years ago is 1.4e9 seconds; no value of one unit between 2001 and 2100 is one of another. */
const UNITS: readonly (readonly [EpochUnit, number])[] = [
  ['s', 1],
  ['ms', 1e3],
  ['us', 1e6],
];

/** 2001-09-09 and 2100-01-01, in seconds. */
const [FIRST, LAST] = [1e9, 4_102_444_800];

/** Most values are instants of one unit; a few may stand for "never". */
const MOST = 0.9;

/** The unit in which numbers are instants between 2001 and 2100; undefined if they are none, or if there are none. */
export function recogniseEpoch(values: readonly string[]): EpochUnit | undefined {
  const numbers = values.map(Number).filter((number) => Number.isFinite(number) && number !== 0);
  if (numbers.length === 0) return undefined;
  return UNITS.find(([, perSecond]) => {
    const instants = numbers.filter((number) => number >= FIRST * perSecond && number < LAST * perSecond);
    return instants.length >= MOST * numbers.length;
  })?.[0];
}
