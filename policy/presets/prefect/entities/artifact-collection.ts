import { defineEntity, p } from '@mikro-orm/core';

/** One row a key: a copy of the key's newest artifact, which it names without a foreign key. */
export const ArtifactCollection = defineEntity({
  name: 'ArtifactCollection',
  tableName: 'artifact_collection',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime().columnType('timestamptz'),
    updated: p.datetime().columnType('timestamptz'),
    key: p.string(),
    latestId: p.uuid(),
    type: p.string().nullable(),
    data: p.json().nullable(),
    metadata: p.json().fieldName('metadata_').nullable(),
    description: p.string().nullable(),
    flowRunId: p.uuid().nullable(),
    taskRunId: p.uuid().nullable(),
  },
});
