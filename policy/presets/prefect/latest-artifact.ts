import { latestPointer } from '../../latest-pointer.ts';
import { Artifact, ArtifactCollection } from './entities/index.ts';

/** Each collection row is a copy of the newest artifact of its key, by creation. */
export const latestArtifact = latestPointer({
  holder: ArtifactCollection,
  pointer: 'latestId',
  target: Artifact,
  group: 'key',
  newest: 'created',
  copy: ['type', 'data', 'metadata', 'description', 'flowRunId', 'taskRunId', 'created', 'updated'],
});
