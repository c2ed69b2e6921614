import type { Finding } from '../../activities/inspect/finding.ts';

/** Findings that are alike but for the names in them. */
export interface FoldedFinding {
  readonly first: Finding;
  /** What all of them are about, the first included. */
  readonly about: readonly string[];
}

/** So many findings of one kind are still shown one by one. */
const MOST_ALIKE = 3;

/**
 * Folds findings of one kind into the first of them, at its place, if there are more than three: a policy over several hundred
 * tables that all lack an index would print as many lines otherwise.
 */
export function foldFindings(findings: readonly Finding[]): FoldedFinding[] {
  const alike = Map.groupBy(findings, describeKind);
  return findings.flatMap((first) => {
    const group = alike.get(describeKind(first)) ?? [];
    if (group.length <= MOST_ALIKE) return [{ first, about: [first.about] }];
    return group[0] === first ? [{ first, about: group.map(({ about }) => about) }] : [];
  });
}

/** Names as the doctor writes them: behind the word that says what they are, in quotes, or in parentheses at the end. */
const NAMES =
  /(?<=\b(?:pass|entity|table|index|index on|rows of|foreign key) )(?!key )"?[\w.$-]+"?|"[^"]*"|\([^()]*\)|\d+/g;

/** Returns what findings of one kind have in common: the state and the sentences without names and numbers. */
function describeKind({ about, state, what, fix = '' }: Finding): string {
  return [state, about, what, fix].map((part) => part.replaceAll(NAMES, '…')).join('\n');
}
