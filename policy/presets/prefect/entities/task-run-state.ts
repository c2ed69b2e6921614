import { defineEntity, p } from '@mikro-orm/core';

/** A state that a task run was in. */
export const TaskRunState = defineEntity({
  name: 'TaskRunState',
  tableName: 'task_run_state',
  properties: {
    id: p.uuid().primary(),
    taskRunId: p.uuid(),
    timestamp: p.datetime().columnType('timestamptz'),
  },
});

/** A state that later task runs may reuse. No foreign key to it, and nothing in Prefect ever deletes from here. */
export const TaskRunStateCache = defineEntity({
  name: 'TaskRunStateCache',
  tableName: 'task_run_state_cache',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime().columnType('timestamptz'),
    cacheKey: p.string(),
    /** Null is for ever. */
    cacheExpiration: p.datetime().columnType('timestamptz').nullable(),
    taskRunStateId: p.uuid(),
  },
});
