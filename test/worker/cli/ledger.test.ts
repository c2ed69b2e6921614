import { describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const fresh = FreshPrefect.forEach();

describe('ledger migrate', () => {
  test('makes the ledger once', async () => {
    const first = await cli(['ledger', 'migrate', ...fresh.at(), '--json']);
    expect(JSON.parse(first.stdout)).toEqual({ schema: 'vacuum', before: 'missing', now: 'current' });
    const second = await cli(['ledger', 'migrate', ...fresh.at()]);
    expect(second.stdout).toContain('the ledger in schema vacuum is current');
  });
});
