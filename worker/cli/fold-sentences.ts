import { foldAlike, listNames } from '../../policy/fold-alike.ts';
import { formatCount, print, strong } from './output.ts';

/** Folds sentences that differ only in names into the first of them and a line that names the others. */
export function foldSentences(sentences: readonly string[]): string[] {
  return foldAlike(sentences, (sentence) => sentence, 1).flatMap(({ first, others }) => {
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

/** So many sentences of one kind are still printed one by one. */
const MOST_ALIKE = 3;

/** Prints a sentence for each of some passes. Sentences that are alike are folded, unless details are asked for. */
export function printForPasses(
  sentences: readonly { readonly pass: string; readonly text: string }[],
  details: boolean,
): void {
  const most = details ? sentences.length : MOST_ALIKE;
  for (const { first, others } of foldAlike(sentences, ({ text }) => text, most)) {
    print(`\n${strong(first.pass)}: ${first.text}`);
    if (others.length === 0) continue;
    const names = listNames([...new Set(others.map(({ pass }) => pass))]);
    print(`  and ${formatCount(others.length)} like it: ${names}; --details lists them`);
  }
}
