import { expect, test } from '@jest/globals';

import { GuardsError } from '../../../activities/guards/guard.ts';

const guards = (length: number): ConstructorParameters<typeof GuardsError>[1] =>
  Array.from({ length }, (_, n) => ({
    at: `pass "old-${n}"`,
    what: `it would delete 60 % of entity Log${n}`,
    fix: 'Look at a preview',
    here: `table secret_${n}`,
  }));

test('lists all guards that stopped a run, however many are alike', () => {
  // Twelve, and from eleven on issues that are alike are folded.
  const { message, wireMessage } = new GuardsError('nightly', guards(12), 1);
  expect(message.split('\n')[0]).toBe(
    '12 guards stopped the run of policy nightly before its first batch, nothing was deleted:',
  );
  for (const said of [message, wireMessage]) {
    const lines = said.split('\n').slice(1);
    expect(lines.map((line) => /^ {2}- pass "(old-\d+)": /.exec(line)?.[1])).toEqual(
      Array.from({ length: 12 }, (_, n) => `old-${n}`),
    );
    expect(said).not.toContain('like it');
  }
  expect(message).toContain('it would delete 60 % of entity Log11 (table secret_11). Look at a preview.');
  expect(wireMessage).not.toContain('secret');
});

test('says that one is one', () => {
  expect(new GuardsError('nightly', guards(1), 1).message).toMatch(
    /^a guard stopped the run of policy nightly /,
  );
});
