import { describe, expect, test } from '@jest/globals';

import { readInput } from '../../../activities/run/read-input.ts';
import { ValidationError } from '../../../policy/issue.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { prefectPolicy } from '../../support/vacuum.ts';

const prefect = prefectPolicy();
const other = definePolicy({ name: 'other', entities: [], passes: [] });

function refusal(input: unknown, policies = [prefect]): string[] {
  try {
    readInput(input, policies);
  } catch (error) {
    if (error instanceof ValidationError) return error.issues.map((mistake) => mistake.what);
    throw error;
  }
  throw new Error('the input was not refused');
}

describe('the input of a run', () => {
  test.each([undefined, null, {}])('%j means the defaults', (input) => {
    expect(readInput(input, [prefect])).toEqual({
      policy: prefect,
      mode: 'execute',
      passes: prefect.passes.map((pass) => pass.name),
      ifBusy: 'skip',
      limits: { maxRows: null, maxMillis: null, window: null, whenClosed: 'wait' },
    });
  });

  test('limits are those of the policy unless the input narrows them', () => {
    const limited = definePolicy({
      name: 'limited',
      entities: [],
      passes: [],
      limits: { maxRows: 500, maxDuration: '2 hours', window: '22:00-04:00', timezone: 'Asia/Bangkok' },
    });
    const window = { from: 22 * 60, to: 4 * 60, timezone: 'Asia/Bangkok' };
    const whole = { maxRows: 500, maxMillis: 7_200_000, window, whenClosed: 'wait' };
    expect(readInput({}, [limited]).limits).toEqual(whole);
    expect(readInput({ maxRows: 500, maxDuration: '2h' }, [limited]).limits).toEqual(whole);
    const narrow = { ...whole, maxRows: 7, maxMillis: 60_000 };
    expect(readInput({ maxRows: 7, maxDuration: '1 minute' }, [limited]).limits).toEqual(narrow);
    expect(refusal({ maxRows: 501, maxDuration: 7_200_001 }, [limited])).toHaveLength(2);
  });

  test('passes narrow the run and keep the order of the policy', () => {
    const { passes } = readInput({ passes: ['old-flow-runs', 'orphaned-logs'] }, [prefect]);
    expect(passes).toEqual(['orphaned-logs', 'old-flow-runs']);
  });

  test('without a name, a worker with several policies asks for one', () => {
    expect(refusal({}, [prefect, other])).toEqual(['it names no policy, and this worker has 2']);
  });

  test.each([
    ['text', 'prefect', 'it is no object'],
    ['a list', [], 'it is no object'],
    ['an unknown policy', { policy: 'nobody' }, 'policy names "nobody", which this worker does not have'],
    [
      'an unknown pass',
      { passes: ['nothing'] },
      'passes names "nothing", which policy prefect does not have',
    ],
    ['no passes', { passes: [] }, 'passes cannot be used'],
    ['an unknown mode', { mode: 'destroy' }, 'mode cannot be used'],
    ['an unknown key', { retention: 1 }, 'it has "retention", which no run understands'],
    ['SQL', { where: 'true' }, 'it has "where", which no run understands'],
  ])('%s is refused', (_, input, expected) => {
    expect(refusal(input).join()).toContain(expected);
  });

  test('everything wrong is told at once', () => {
    const what = refusal({
      policy: 'prefect',
      passes: ['a', 'b'],
      mode: 1,
      ifBusy: 'never',
      sql: 'x',
      url: 'y',
    });
    expect(what).toHaveLength(6);
  });
});
