import { defineEntity, p } from '@mikro-orm/core';

/** Something a run left behind: a table, a link, a result. No foreign key to its run. */
export const Artifact = defineEntity({
  name: 'Artifact',
  tableName: 'artifact',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime().columnType('timestamptz'),
    updated: p.datetime().columnType('timestamptz'),
    key: p.string().nullable(),
    type: p.string().nullable(),
    data: p.json().nullable(),
    metadata: p.json().fieldName('metadata_').nullable(),
    description: p.string().nullable(),
    flowRunId: p.uuid().nullable(),
    taskRunId: p.uuid().nullable(),
  },
});
