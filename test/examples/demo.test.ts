import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { describeFailure } from '../../examples/demo/describe-failure.ts';
import { Demo, expectShown, findUi } from '../support/demo.ts';
import { describeNeeding } from '../support/needing.ts';
import { waitFor } from '../support/wait.ts';

/** Small ones; `demo.long.test.ts` plays the demo as large as a person sees it. */
const RUNS = ['--runs', '500'];
const SHOWN = /flow_run +500 +2\d\d/;

// Needs Temporal only to bring it before; the demo starts a server of its own.
describeNeeding(['temporal'], 'npm run demo', () => {
  let demo: Demo;

  beforeEach(() => {
    demo = new Demo();
  });
  afterEach(() => demo.remove());

  test('without a terminal it ends by itself and leaves nothing behind', async () => {
    const { code, output } = await demo.play([...RUNS, '--sqlite']);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expectShown(output, SHOWN);
    await demo.expectGone(findUi(output));
  });

  test('on a terminal it shows progress, stays up with the Temporal UI, and ends with Ctrl-C', async () => {
    const { input, output, closed } = demo.openOnTerminal(RUNS.join(' '));
    await waitFor('the demo to be over', async () => output().includes('Ctrl-C ends it all'), 240_000);
    expect(output()).toContain('█'.repeat(24));
    expectShown(output(), SHOWN);
    const ui = findUi(output());
    const workflows = (await (await fetch(`${ui}/api/v1/namespaces/default/workflows`)).json()) as {
      executions: { type: { name: string }; status: string }[];
    };
    expect(
      workflows.executions.filter(({ type }) => type.name === 'vacuum').map(({ status }) => status),
    ).toContain('WORKFLOW_EXECUTION_STATUS_COMPLETED');
    input.write('\u0003');
    await closed;
    await demo.expectGone(ui);
  });

  test('says in a sentence why it cannot start, and what to do, and leaves nothing behind', async () => {
    const { code, output } = await demo.play(RUNS, { TEMPORAL_CLI: '/bin/false' });
    expect(code).toBe(1);
    expect(output).toContain('The demo ended early: the Temporal dev server did not start. It needs');
    expect(output).toContain('start `npm run demo` again');
    expect(output).not.toMatch(/^ +at /m);
    expect(demo.countDatabases()).toBe(0);
  });

  test('refuses a wrong option in a sentence, before it starts anything', async () => {
    const { code, output } = await demo.play(['--runs', 'many']);
    expect(code).toBe(2);
    expect(output).toBe('--runs must be a whole number of at least 100, not "many"\n');
  });

  test('gives the reason of a part that cannot be installed', () => {
    const log = new Error('PostgreSQL did not start:\ninitdb: begins\ninitdb: error: no space left\n');
    expect(describeFailure(log)).toContain(
      'The demo ended early: PostgreSQL did not start: initdb: error: no space left. It needs Node.js',
    );
    expect(describeFailure('no pip')).toContain('The demo ended early: no pip. It needs Node.js');
  });
});
