import { describe, expect, test } from '@jest/globals';

import { formatSchemas } from '../../../activities/dialect/table-names.ts';
import { foldSentences } from '../../../worker/cli/fold-sentences.ts';

describe('sentences of one kind', () => {
  test('become one, with the names of some passes', () => {
    const sentences = Array.from(
      { length: 478 },
      (_, n) => `the backlog of pass old-${n} at the begin of the run is not known: it took too long`,
    );
    expect(foldSentences(['another one', ...sentences])).toEqual([
      'another one',
      sentences[0],
      '  and 477 like it: old-1, old-2, old-3 and 474 more',
    ]);
  });

  test('of two reasons or two moments stay two', () => {
    const sentences = [
      'a failed: a table is missing',
      'b failed: a column is missing',
      'nothing of pass a is known',
    ];
    expect(foldSentences(sentences)).toEqual(sentences);
  });

  test('that begin with the pass are folded, too', () => {
    expect(foldSentences(['old-a: a table is missing', 'old-b: a table is missing'])).toEqual([
      'old-a: a table is missing',
      '  and 1 like it: old-b',
    ]);
  });

  test('schemas are listed up to three', () => {
    expect(formatSchemas(['a'])).toBe('schema a');
    expect(formatSchemas(['a', 'b', 'c'])).toBe('schemas a, b, c');
    expect(formatSchemas(['a', 'b', 'c', 'd'])).toBe('schemas a, b, c and 1 more');
  });
});
