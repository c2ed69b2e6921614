import { formatCount } from './count-nouns.ts';

/** Things that are alike but for the names in them. */
export interface Fold<T> {
  readonly first: T;
  /** The others, in their order; empty if there are so few that each is shown for itself. */
  readonly others: readonly T[];
}

/**
 * Folds things that are alike into the first of them, at its place, if there are more than `most`. A policy over several
 * hundred tables would print as many lines otherwise. `toText` returns what is compared of a thing: counts that it has are,
 * too, so that none is hidden behind another.
 */
export function foldAlike<T>(things: readonly T[], toText: (thing: T) => string, most: number): Fold<T>[] {
  const kinds = things.map((thing) => removeNames(toText(thing)));
  const places = Map.groupBy(things.keys(), (n) => kinds[n]);
  return things.flatMap((first, n) => {
    const [leader, ...others] = places.get(kinds[n]) ?? [];
    if (others.length < most) return [{ first, others: [] }];
    return leader === n ? [{ first, others: things.filter((_, other) => others.includes(other)) }] : [];
  });
}

/** How many names stand in a folded sentence or line. */
const MOST_NAMES = 3;

/** The first names of a list, and how many more there are. */
export function listNames(names: readonly string[], most = MOST_NAMES): string {
  const shown = names.slice(0, most).join(', ');
  return names.length <= most ? shown : `${shown} and ${formatCount(names.length - most)} more`;
}

/**
 * Names as our sentences write them: behind the word that says what they are, in quotes that are no apostrophes, in parentheses
 * without a number, or as a pass before a reason.
 */
const NAMES =
  /(?<=\b(?:pass|policy|entity|property|column|table|index|index on|rows of|foreign key) )(?!key )"?[\w.$-]+"?|"[^"]*"|(?<!\w)'[^']*'(?!\w)|`[^`]*`| ?\((?![^()]*\b\d)[^()]*\)|^[a-z][a-z0-9-]*(?=: )/gm;

function removeNames(text: string): string {
  return text.replaceAll(NAMES, '…');
}
