import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

import { setGlobals } from './globals.ts';

const GLOBALS = new URL('globals.ts', import.meta.url).href;
const require = createRequire(import.meta.url);

registerHooks({
  resolve: (specifier, context, next) => next(specifier === '@jest/globals' ? GLOBALS : specifier, context),
});

/**
 * Loads files of tests with Node.js itself, so that the files of one jest worker share all modules. With a sandbox for each file, as jest makes it, each
 * loads and compiles MikroORM, zod and Temporal anew and runs them cold: the tests of passes took 162 s of processor in the workers, and take 85.
 */
export class SharedRuntime {
  readonly setGlobalsForRuntime = setGlobals;

  /** Loads jest-circus anew: it keeps the tests and hooks of one file. */
  requireInternalModule(path: string): unknown {
    for (const key of Object.getOwnPropertySymbols(globalThis))
      if (['EVENT_HANDLERS', 'JEST_STATE_SYMBOL'].includes(key.description ?? ''))
        Reflect.deleteProperty(globalThis, key);
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- so Node.js forgets a module
    delete require.cache[path];
    return require(path);
  }

  requireModule(path: string): unknown {
    return require(path);
  }

  async unstable_importModule(path: string): Promise<unknown> {
    return import(pathToFileURL(path).href);
  }

  unstable_shouldLoadAsEsm(): boolean {
    return true;
  }

  getSourceMaps(): ReadonlyMap<string, string> {
    return new Map();
  }

  // Jest calls these too. They concern its sandbox and coverage, which there is none of.
  enterTestCode(): void {}
  leaveTestCode(): void {}
  getAllCoverageInfoCopy(): undefined {}
  teardown(): void {}
}

// jest requires this module as CommonJS.
export { SharedRuntime as 'module.exports' };
