import type { Test } from '@jest/reporters';
import sequencer from '@jest/test-sequencer';

// Its types are those of its CommonJS module, whose class is a property of what the ES module exports.
const TestSequencer = sequencer as unknown as typeof sequencer.default;

/**
 * Begins with the files that last longest: they wait until Temporal misses workers or a page is drawn, follow pages of the documentation, or
 * start Prefect. Others use the processor meanwhile. On a machine that knows no durations from before Jest begins with the largest files, which these are not.
 */
export default class LongestFirst extends TestSequencer {
  override async sort(tests: Test[]): Promise<Test[]> {
    // eslint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own
    const byLength = await super.sort(tests);
    const ranks = [0, 1, 2].map((rank) => byLength.filter(({ path }) => findRank(path) === rank));
    return ranks.flat();
  }
}

function findRank(path: string): number {
  if (/\/(in-the-browser|steering|worker-killed|disk-full|operating|starting)(\.long)?\.test\.ts$/.test(path))
    return 0;
  return /\/test\/(docs|kills|prefect|examples|workflows)\//.test(path) ? 1 : 2;
}
