import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { Demo, expectShown, findUi } from '../support/demo.ts';
import { describeNeeding } from '../support/needing.ts';

// The command of the README, as large as a person sees it.
describeNeeding(['temporal'], 'npm run demo', () => {
  let demo: Demo;

  beforeEach(() => {
    demo = new Demo();
  });
  afterEach(() => demo.remove());

  test.each([
    { args: [], shown: /flow_run +20,000 +9,\d{3}/ },
    { args: ['--sqlite'], shown: /flow_run +4,000 +1,\d{3}/ },
  ])('shows by itself what a run deletes, with $args', async ({ args, shown }) => {
    const { code, output } = await demo.play(args);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expectShown(output, shown);
    await demo.expectGone(findUi(output));
  });
});
