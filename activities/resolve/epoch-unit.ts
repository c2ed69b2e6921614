import type { EpochUnit } from '../../policy/epoch.ts';
import { EPOCH_RANGE } from '../dialect/column-types.ts';

const PER_SECOND: readonly (readonly [EpochUnit, number])[] = [
  ['s', 1],
  ['ms', 1e3],
  ['us', 1e6],
];

/** Most values are instants of one unit; a few may stand for "never". */
const MOST = 0.9;

/** The unit in which most numbers are instants; undefined if they are none, or if there are none. 0 does not count. */
export function recogniseEpoch(values: readonly string[]): EpochUnit | undefined {
  const numbers = toNumbers(values);
  if (numbers.length === 0) return undefined;
  return PER_SECOND.find(([unit]) => countInstants(numbers, unit) >= MOST * numbers.length)?.[0];
}

/** Whether there are numbers, and none of them is an instant in a unit: the unit is wrong. */
export function contradictsEpoch(values: readonly string[], unit: EpochUnit): boolean {
  const numbers = toNumbers(values);
  return numbers.length > 0 && countInstants(numbers, unit) === 0;
}

function countInstants(numbers: readonly number[], unit: EpochUnit): number {
  const [, perSecond = 1] = PER_SECOND.find(([name]) => name === unit) ?? [];
  const [first, last] = EPOCH_RANGE;
  return numbers.filter((number) => number >= first * perSecond && number <= last * perSecond).length;
}

function toNumbers(values: readonly string[]): number[] {
  return values.map(Number).filter((number) => Number.isFinite(number) && number !== 0);
}
