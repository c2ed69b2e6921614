import type { Test } from '@jest/reporters';
import sequencer from '@jest/test-sequencer';

// Its types are those of its CommonJS module, whose class is a property of what the ES module exports.
const TestSequencer = sequencer as unknown as typeof sequencer.default;

/**
 * Begins with the files that last longest: they follow pages of the documentation, wait until Temporal misses workers, or
 * start Prefect. On a machine that knows no durations from before Jest begins with the largest files, which these are not.
 */
export default class LongestFirst extends TestSequencer {
  override async sort(tests: Test[]): Promise<Test[]> {
    // eslint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own
    const byLength = await super.sort(tests);
    return [...byLength.filter(isLong), ...byLength.filter((test) => !isLong(test))];
  }
}

function isLong({ path }: Test): boolean {
  return /\/test\/(docs|kills|prefect|examples)\//.test(path);
}
