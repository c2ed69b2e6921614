import { ModernFakeTimers } from '@jest/fake-timers';
import type * as jestGlobals from '@jest/globals';
import { ModuleMocker } from 'jest-mock';

type Config = ConstructorParameters<typeof ModernFakeTimers>[0]['config'];
type JestGlobals = Omit<typeof jestGlobals, 'jest'>;

/** Tests and their helpers import these as `@jest/globals`. Helpers are loaded once, so the bindings change with each file of tests. */
export let afterAll: JestGlobals['afterAll'];
export let afterEach: JestGlobals['afterEach'];
export let beforeAll: JestGlobals['beforeAll'];
export let beforeEach: JestGlobals['beforeEach'];
export let describe: JestGlobals['describe'];
export let expect: JestGlobals['expect'];
export let it: JestGlobals['it'];
export let test: JestGlobals['test'];

export function setGlobals(globals: JestGlobals): void {
  ({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } = globals);
}

const mocker = new ModuleMocker(globalThis);
const timers = new ModernFakeTimers({
  global: globalThis,
  config: { fakeTimers: { enableGlobally: false } } as Config,
});

/** The part of `jest` that the tests use. */
export const jest = {
  spyOn: mocker.spyOn.bind(mocker),
  restoreAllMocks: mocker.restoreAllMocks.bind(mocker),
  useFakeTimers: timers.useFakeTimers.bind(timers),
  useRealTimers: timers.useRealTimers.bind(timers),
  advanceTimersByTime: timers.advanceTimersByTime.bind(timers),
  getTimerCount: timers.getTimerCount.bind(timers),
};
