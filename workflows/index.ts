export type { RunReport, RunStatus, VacuumInput } from '../activities/contract.ts';
export { pauseSignal, progressQuery, resumeSignal, stopSignal } from './messages.ts';
export type { PassProgress, RunProgress } from './progress.ts';
export { vacuum } from './vacuum.ts';
