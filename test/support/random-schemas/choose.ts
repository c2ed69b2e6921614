/** Numbers from 0 to below 1. */
export type Random = () => number;

/** One of some values. */
export function choose<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** True in so many of all cases. */
export function chance(random: Random, part: number): boolean {
  return random() < part;
}
