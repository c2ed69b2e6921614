import { describe, expect, test } from '@jest/globals';

import type { PrefectSettings } from '../../../policy/presets/prefect/index.ts';
import { prefect } from '../../../policy/presets/prefect/index.ts';
import type { ReportRows } from '../../../policy/report-rows.ts';

const HOUR = 3_600_000;

function findStuckPass(settings: PrefectSettings, environment = {}): ReportRows | undefined {
  return prefect(settings, environment).passes.find((pass) => pass.kind === 'reportRows');
}

describe('the settings of stuck runs', () => {
  test('by default those of three days are reported, and none is ended', () => {
    const environment = { PREFECT_API_URL: 'http://127.0.0.1:4200/api', PREFECT_API_KEY: 'secret' };
    expect(findStuckPass({}, environment)).toMatchObject({ name: 'stuck-runs', olderThan: 72 * HOUR });
    expect(findStuckPass({}, environment)).not.toHaveProperty('handler');
  });

  const ages: [unknown, number | undefined][] = [
    ['P1D', 24 * HOUR],
    ['3600', HOUR],
    [7200, 2 * HOUR],
    ['off', undefined],
    ['never', undefined],
    [null, undefined],
  ];
  test.each(ages)('stuckAfter may be %j', (stuckAfter, millis) => {
    expect(findStuckPass({ stuckAfter: stuckAfter as string })?.olderThan).toBe(millis);
  });

  test('they stand before the old runs, and nowhere where only orphans are cleaned', () => {
    const names = prefect({ oldSubflows: true }, {}).passes.map(({ name }) => name);
    const at = names.indexOf('stuck-runs');
    expect(names.slice(at, at + 4)).toEqual([
      'stuck-runs',
      'old-subflows',
      'runs-without-end',
      'old-flow-runs',
    ]);
    expect(findStuckPass({ enabled: 'orphans' })).toBeUndefined();
  });

  test.each(['59 minutes', 'soon', -1])('stuckAfter cannot be %j', (stuckAfter) => {
    expect(() => findStuckPass({ stuckAfter })).toThrow('Use at least 1 hour');
  });

  test.each([true, 'true', 'on'])('endStuckRuns may be %j', (endStuckRuns) => {
    expect(findStuckPass({ endStuckRuns, apiUrl: 'https://prefect.example/api' })).toHaveProperty('handler');
  });

  test('ending them needs an API, whose URL is not repeated', () => {
    expect(() => findStuckPass({ endStuckRuns: 'flow_runs' })).toThrow('Use true or false');
    expect(() => findStuckPass({ endStuckRuns: true })).toThrow(
      'nothing says where that is. Set PREFECT_API_URL',
    );
    expect(() => findStuckPass({ endStuckRuns: true, apiUrl: 'prefect:4200' })).toThrow(
      'no http or https URL',
    );
    const secret = { endStuckRuns: true, apiUrl: 'http://admin:secret@prefect:4200/api' };
    expect(() => findStuckPass(secret)).toThrow('Leave them out and set PREFECT_API_AUTH_STRING');
    expect(() => findStuckPass(secret)).not.toThrow('secret@');
    // Not asked for, it is not looked at: other programs may need it so.
    expect(findStuckPass({}, { PREFECT_API_URL: '' })).toBeDefined();
  });
});
