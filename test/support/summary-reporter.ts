import type { AggregatedResult, Reporter } from '@jest/reporters';

/** Prints the closing line `N passed, N failed`. */
export default class SummaryReporter implements Pick<Reporter, 'onRunComplete' | 'getLastError'> {
  onRunComplete(_contexts: unknown, results: AggregatedResult): void {
    // A suite that failed to load counts as one failed test, so that it never reads as a pass.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    process.stdout.write(
      `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
    );
  }

  getLastError(): undefined {}
}
