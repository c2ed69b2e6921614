import { formatCount } from './output.ts';

/** How many names of passes stand in a folded sentence or line. */
const MOST_NAMES = 3;

/**
 * Folds sentences that differ only in the pass that they name, or in what stands in parentheses at their end, into the first
 * of them. A policy over several hundred tables would print as many lines otherwise.
 */
export function foldAlike(sentences: readonly string[]): string[] {
  const groups = Map.groupBy(sentences, (sentence) =>
    sentence.replace(/ \([^()]*\)$/, '').replaceAll(PASS, '…'),
  );
  return [...groups.values()].flatMap((alike) => {
    const [first = '', ...others] = alike;
    if (others.length === 0) return [first];
    const names = others.flatMap((sentence) =>
      [...sentence.matchAll(PASS)].map(([, named, leading = '']) => named ?? leading),
    );
    const list = names.length === 0 ? '' : `: ${listNames([...new Set(names)])}`;
    return [first, `  and ${others.length} like it${list}`];
  });
}

/** `pass NAME`, and `NAME: ` at the begin of a reason. */
const PASS = /\bpass "?([a-z][a-z0-9-]*)|^([a-z][a-z0-9-]*)(?=: )/g;

/** The first names of a list, and how many more there are. */
export function listNames(names: readonly string[], most = MOST_NAMES): string {
  const shown = names.slice(0, most).join(', ');
  return names.length <= most ? shown : `${shown} and ${formatCount(names.length - most)} more`;
}
