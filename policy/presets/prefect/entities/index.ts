export { ArtifactCollection } from './artifact-collection.ts';
export { Artifact } from './artifact.ts';
export { FlowRun } from './flow-run.ts';
export { Log } from './log.ts';
export { STATE_TYPES, TERMINAL_STATE_TYPES } from './state-type.ts';
