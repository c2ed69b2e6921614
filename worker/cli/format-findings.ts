import type { Finding } from '../../activities/inspect/finding.ts';
import type { Fold } from '../../policy/fold-alike.ts';
import { foldAlike, listNames } from '../../policy/fold-alike.ts';
import { coloured, countNouns, formatCount } from './output.ts';

/** So many findings that are alike are still shown one by one. */
const MOST_ALIKE = 3;

/**
 * Formats findings, each of one line or two. More than three that differ only in names become one, unless `details` asks for
 * all. What they measured is compared, so that no number is hidden behind another.
 */
export function formatFindings(findings: readonly Finding[], details: boolean): string[] {
  const most = details ? findings.length : MOST_ALIKE;
  return foldAlike(findings, toText, most).map(formatFold);
}

/** Counts findings by their state: whoever types `doctor` wants to know first whether runs can work. */
export function countFindings(findings: readonly Finding[]): string {
  const count = (state: Finding['state']): number => findings.filter((one) => one.state === state).length;
  const problems = count('problem');
  return [
    problems === 0 ? 'no problem' : countNouns(problems, 'problem'),
    `${countNouns(count('advice'), 'finding')} with advice`,
    `${formatCount(count('ok'))} ok`,
  ].join(', ');
}

const ORDER: readonly Finding['state'][] = ['problem', 'advice', 'ok'];

/** Sorts findings: what to do something about comes first. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

function toText({ about, state, what, fix = '' }: Finding): string {
  return [state, about, what, fix].join('\n');
}

function formatFold({ first, others }: Fold<Finding>): string {
  if (others.length === 0) return formatFinding(first);
  const names = listNames([...new Set([first, ...others].map(({ about }) => about))]);
  const what = `${names}; --details lists them\n    The first: ${first.what}`;
  return formatFinding({ ...first, about: `${formatCount(others.length + 1)} alike`, what });
}

function formatFinding({ about, state, what, fix }: Finding): string {
  const mark = {
    ok: coloured('green', 'ok'),
    advice: coloured('yellow', 'advice'),
    problem: coloured('red', 'problem'),
  };
  return `${mark[state]}  ${about}: ${what}${fix === undefined ? '' : `\n    ${fix}`}`;
}
