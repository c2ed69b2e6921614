import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';

import type { BeginRunResult, Plan, RunReport, VacuumInput } from '../activities/contract.ts';
import { beginning, closing, previewing } from './activities.ts';
import { Control, waitAfter } from './control.ts';
import { describeEnding, failedPass } from './describe-ending.ts';
import { findFailure } from './find-failure.ts';
import {
  logPassBegin,
  logPassEnd,
  logPassSkipped,
  logPreviewBegin,
  logRunBegin,
  logRunEnd,
  logRunFailure,
} from './log-run.ts';
import { pauseSignal, progressQuery, resumeSignal, stopSignal } from './messages.ts';
import type { RunProgress } from './progress.ts';
import { toProgress, formatProgress, readState } from './progress.ts';
import type { RunEnding } from './read-end.ts';
import { readEnd, toResult } from './read-end.ts';
import { runPass } from './run-pass.ts';
import type { RunState } from './state.ts';
import { newState } from './state.ts';
import { chooseVersioning } from './versioning.ts';

/**
 * Workflow `vacuum`: one run of a policy. An interpreter over a plan that the first activity makes and freezes:
 * what the passes do is in the activities.
 *
 * @param input all optional; `undefined`, `null` and `{}` mean the defaults
 * @param carried how an earlier part of the run, ended by continue-as-new, left it; not for callers
 */
export async function vacuum(input?: VacuumInput | null, carried?: RunState): Promise<RunReport> {
  return new VacuumRun(input ?? {}, carried).run();
}

setWorkflowOptions(chooseVersioning, vacuum);

class VacuumRun {
  readonly #input: VacuumInput;
  readonly #control: Control;
  #state: RunState | undefined;
  #phase: RunProgress['state'] = 'beginning';
  /** The number of a run that ended before there was a plan. */
  #run: number | null = null;

  constructor(input: VacuumInput, carried: RunState | undefined) {
    this.#input = input;
    this.#state = carried;
    this.#control = new Control(carried?.paused ?? false, carried?.pauseReason);
    setHandler(pauseSignal, (reason) => this.#handle(() => this.#control.pause(reason)), {
      description: 'Pause after the batch under way; an optional text says why',
    });
    setHandler(resumeSignal, () => this.#handle(() => this.#control.resume()), {
      description: 'Go on after a pause',
    });
    setHandler(stopSignal, (reason) => this.#handle(() => this.#control.stop(reason)), {
      description: 'End the run after the batch under way; an optional text says why',
    });
    setHandler(progressQuery, () => this.#progress(), { description: 'How the run stands, pass by pass' });
  }

  /** Whatever comes of the run, the query and the details of the workflow say so afterwards. */
  async run(): Promise<RunReport> {
    try {
      const report = await (this.#input.mode === 'preview' ? this.#preview() : this.#execute());
      this.#end(report);
      logRunEnd(report);
      return toResult(report);
    } catch (error) {
      const end = readEnd(error);
      if (end !== undefined) this.#end(end);
      throw error;
    }
  }

  async #execute(): Promise<RunReport> {
    if (this.#state === undefined) {
      const begun = await this.#begin();
      if ('report' in begun) return begun.report;
      this.#state = newState(begun.plan);
      logRunBegin(begun.plan);
    }
    const state = this.#state;
    this.#control.end = state.plan.end;
    this.#phase = 'running';
    this.#show();
    const lost = await this.#runPasses(state);
    if (this.#control.leaving === 'continue-as-new') return this.#continueAsNew(state);
    return this.#finish(state, lost);
  }

  async #preview(): Promise<RunReport> {
    this.#show();
    logPreviewBegin(this.#input.policy);
    const options = { summary: 'count what would be deleted' };
    return this.#orFail(async () =>
      previewing['vacuum.previewRun'].executeWithOptions(options, [this.#input, firstRunId()]),
    );
  }

  async #begin(): Promise<{ plan: Plan } | { report: RunReport }> {
    for (;;) {
      this.#phase = 'beginning';
      this.#show();
      const { result, interrupted } = await this.#control.attempt(async () => this.#askToBegin());
      if (result?.outcome === 'planned') return { plan: result.plan };
      // What it returns for a request looks like a stop, whatever the request was.
      const isOver = result?.outcome === 'ended' && !(interrupted && result.report.status === 'stopped');
      if (isOver) return { report: result.report };
      if (result?.outcome === 'busy' || result?.outcome === 'early') await this.#waitFor(result);
      if (this.#control.paused) this.#phase = 'paused';
      this.#show();
      if (!(await this.#control.waitWhilePaused())) return { report: this.#leftBefore(result?.report) };
      await this.#continueBegin();
    }
  }

  async #waitFor(begun: BeginRunResult & { outcome: 'busy' | 'early' }): Promise<void> {
    this.#phase = 'waiting';
    await this.#control.wait(waitAfter(begun), () => this.#show());
  }

  /** A pause asked for while waiting would be lost. */
  async #continueBegin(): Promise<void> {
    const { paused } = this.#control;
    if (workflowInfo().continueAsNewSuggested && !paused) await continueAsNew<typeof vacuum>(this.#input);
  }

  async #askToBegin(): Promise<BeginRunResult> {
    const options = { summary: 'check, take the lease, make the plan' };
    const { lastResult } = workflowInfo();
    return this.#orFail(async () =>
      beginning['vacuum.beginRun'].executeWithOptions(options, [this.#input, firstRunId(), lastResult]),
    );
  }

  /** What comes of a run that was left before it began. */
  #leftBefore(report: RunReport | undefined): RunReport {
    if (this.#control.leaving === 'cancelled') throw new CancelledFailure('cancelled before it began');
    if (report === undefined)
      throw ApplicationFailure.nonRetryable('stopped before it began', 'VacuumStopped');
    const { stopReason = 'before it began' } = this.#control;
    return { ...report, reasons: [`stopped: ${stopReason}`] };
  }

  /** Runs what is left of the plan. Returns why the run is lost, if another one took its place. */
  async #runPasses(state: RunState): Promise<string | undefined> {
    for (; state.pass < state.plan.passes.length; state.pass += 1) {
      const planned = state.plan.passes[state.pass];
      const pass = state.passes[state.pass];
      if (planned === undefined || pass === undefined) throw new Error(`no pass ${state.pass} in the plan`);
      if (planned.notApplicable === true) continue;
      if (planned.dependsOn.some((name) => failedPass(state, name))) {
        pass.status = 'skipped';
        logPassSkipped(state.plan, planned);
        continue;
      }
      if (pass.startedAt === undefined) logPassBegin(state.plan, planned);
      try {
        const done = await runPass(state, this.#control, () => this.#show());
        if (!done && this.#control.leaving === 'continue-as-new') return undefined;
        pass.status = done ? 'completed' : 'unfinished';
      } catch (error) {
        const failure = findFailure(error);
        if (failure === undefined) throw error;
        if (failure.type === 'VacuumRunClosed') return failure.message;
        pass.status = 'failed';
        pass.error = failure.message;
      }
      pass.endedAt = Date.now();
      logPassEnd(state.plan, planned, pass);
      this.#show();
      if (this.#control.leaving === 'stopped' || this.#control.leaving === 'cancelled') return undefined;
    }
    return undefined;
  }

  async #continueAsNew(state: RunState): Promise<never> {
    state.paused = this.#control.paused;
    state.pauseReason = this.#control.reason;
    return continueAsNew<typeof vacuum>(this.#input, state);
  }

  /** Closes the run whatever happened, also when the workflow is being cancelled. */
  async #finish(state: RunState, lost: string | undefined): Promise<RunReport> {
    this.#phase = 'closing';
    this.#show();
    const ending = describeEnding(state, this.#control, lost);
    const options = { summary: 'close the run, free the lease' };
    return this.#orFail(async () =>
      CancellationScope.nonCancellable(async () =>
        closing['vacuum.finishRun'].executeWithOptions(options, [ending]),
      ),
    );
  }

  /** A person reads the failure of a run, so that it is the activity's own and not "activity task failed". */
  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = findFailure(error);
      if (failure === undefined) throw error;
      const { message, details } = failure;
      const type = failure.type ?? 'VacuumUnexpected';
      const failed = ApplicationFailure.nonRetryable(message, type, ...(details ?? []));
      const policy = this.#state?.plan.policy ?? this.#input.policy ?? 'unknown';
      logRunFailure({ run: this.#state?.plan.run ?? null, policy, ...readEnd(failed) }, failed);
      throw failed;
    }
  }

  #end({ status, run }: RunEnding): void {
    this.#phase = status;
    this.#run = run ?? null;
    this.#show();
  }

  #handle(request: () => void): void {
    request();
    this.#show();
  }

  #progress(): RunProgress {
    const { paused, reason, waitsFor } = this.#control;
    const state = this.#state;
    return {
      run: state?.plan.run ?? this.#run,
      policy: state?.plan.policy ?? this.#input.policy ?? null,
      state: readState(this.#phase, this.#control),
      reason: (paused ? reason : waitsFor) ?? null,
      ...toProgress(state, this.#control),
      leaving: this.#control.leaving ?? null,
    };
  }

  #show(): void {
    setCurrentDetails(formatProgress(this.#progress()));
  }
}

/** The same over continue-as-new, so that a run keeps its lease. */
function firstRunId(): string {
  return workflowInfo().firstExecutionRunId;
}
