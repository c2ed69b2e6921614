import { defineEntity, p } from '@mikro-orm/core';

/** One log line of a run. No foreign key: deleting a run leaves its lines. */
export const Log = defineEntity({
  name: 'Log',
  tableName: 'log',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime().columnType('timestamptz'),
    updated: p.datetime().columnType('timestamptz'),
    name: p.string(),
    level: p.smallint(),
    flowRunId: p.uuid().nullable(),
    taskRunId: p.uuid().nullable(),
    message: p.text(),
    /** The client's clock. */
    timestamp: p.datetime().columnType('timestamptz'),
  },
});
