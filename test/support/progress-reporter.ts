import { relative } from 'node:path';

import type { AggregatedResult, Reporter, Test, TestResult } from '@jest/reporters';
import prettyMillis from 'pretty-ms';

import { ROOT } from './parts/bring.ts';

/** After so long without a finished file a line tells which files are running. */
const QUIET_MILLIS = 60_000;

type Counts = Pick<
  TestResult,
  'numPassingTests' | 'numFailingTests' | 'numPendingTests' | 'numTodoTests' | 'testExecError'
>;

/** Prints a line for each finished file, failures as a whole, and the closing line `N passed, N failed`. */
export default class ProgressReporter implements Omit<Reporter, 'onTestStart' | 'onTestResult'> {
  readonly #began = Date.now();
  readonly #running = new Map<string, number>();
  readonly #failed: string[] = [];
  #done = 0;
  #timer: NodeJS.Timeout | undefined;

  onRunStart({ numTotalTestSuites: files }: AggregatedResult): void {
    print(`${files} test ${files === 1 ? 'file' : 'files'}`);
    this.#waitForNext();
  }

  onTestFileStart({ path }: Test): void {
    this.#running.set(path, Date.now());
  }

  onTestFileResult(
    { path }: Test,
    result: TestResult,
    { numTotalTestSuites: files }: AggregatedResult,
  ): void {
    this.#done += 1;
    const took = formatMillis(Date.now() - (this.#running.get(path) ?? this.#began));
    this.#running.delete(path);
    const name = relative(ROOT, path);
    const isFailed = result.numFailingTests > 0 || result.testExecError !== undefined;
    const elapsed = formatMillis(Date.now() - this.#began);
    print(
      `${isFailed ? 'FAIL' : 'ok  '} ${name}: ${formatCounts(result)} in ${took} (${elapsed}, ${files - this.#done} of ${files} files left)`,
    );
    if (isFailed) this.#failed.push(`${name}: ${formatCounts(result)}`);
    for (const { type, message, origin } of result.console ?? [])
      print(`${type}: ${message}\n${origin.split('\n')[0]}`);
    if (result.failureMessage) print(result.failureMessage);
    this.#waitForNext();
  }

  onRunComplete(_contexts: unknown, results: AggregatedResult): void {
    clearTimeout(this.#timer);
    for (const line of this.#failed) print(`FAIL ${line}`);
    // A file that failed to load counts as one failed test, so that it never reads as a pass.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    print(`${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }

  getLastError(): undefined {}

  #waitForNext(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#printRunning(), QUIET_MILLIS).unref();
  }

  #printRunning(): void {
    const running = [...this.#running].map(
      ([path, since]) => `${relative(ROOT, path)} for ${formatMillis(Date.now() - since)}`,
    );
    print(`     running: ${running.join(', ')}`);
  }
}

function formatCounts(counts: Counts): string {
  if (counts.testExecError !== undefined) return 'could not be run';
  const skipped = counts.numPendingTests + counts.numTodoTests;
  const parts = [`${counts.numPassingTests} passed`];
  if (counts.numFailingTests > 0) parts.push(`${counts.numFailingTests} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(', ');
}

function formatMillis(millis: number): string {
  return prettyMillis(Math.max(millis, 1000), { secondsDecimalDigits: 0 });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
