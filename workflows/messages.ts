import { defineQuery, defineSignal } from '@temporalio/workflow';

import type { RunProgress } from './progress.ts';

/** Pauses the run after the batch under way. An optional text says why. */
export const pauseSignal = defineSignal<[reason?: string]>('pause');

/** Lets a paused run go on. */
export const resumeSignal = defineSignal('resume');

/** Ends the run after the batch under way, with status `stopped`. An optional text says why. */
export const stopSignal = defineSignal<[reason?: string]>('stop');

/** How the run stands. */
export const progressQuery = defineQuery<RunProgress>('progress');
