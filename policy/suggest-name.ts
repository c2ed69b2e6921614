import leven from 'leven';

/** How many names a message lists. */
const MOST_NAMES = 20;

/** Returns the name that a misspelt one may mean; undefined if none is near. */
export function findNearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  return known
    .map((candidate) => ({ candidate, distance: leven(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.ceil(Math.min(candidate.length, name.length) / 3))
    .toSorted((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** What to do about a name that is none of some: the nearest one, and the first of all. `what` is such as `one of`. */
export function suggestName(name: string | undefined, known: readonly string[], what = 'one of'): string {
  const more = known.length > MOST_NAMES ? ` and ${known.length - MOST_NAMES} more` : '';
  const list = `${what} ${known.slice(0, MOST_NAMES).join(', ')}${more}`;
  const nearest = name === undefined ? undefined : findNearest(name, known);
  return nearest === undefined ? `Name ${list}` : `Write ${nearest} if that is meant; else name ${list}`;
}

/** What a sentence about a missing name adds: the name that may be meant in its place. */
export function describeOther(name: string | undefined): string {
  return name === undefined ? '' : `, and there is ${name}`;
}
