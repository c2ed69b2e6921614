import { defineEntity, p } from '@mikro-orm/core';

import { STATE_TYPES } from './state-type.ts';

/** One run of a flow. Its states, task runs, their states and its inputs hang on it by `on delete cascade`. */
export const FlowRun = defineEntity({
  name: 'FlowRun',
  tableName: 'flow_run',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime(),
    updated: p.datetime(),
    name: p.string(),
    flowId: p.uuid(),
    /** No foreign key since 2023: the deployment may be gone. */
    deploymentId: p.uuid().nullable(),
    /** The task run that started this run as a subflow; the database sets it to null when that task run goes. */
    parentTaskRunId: p.uuid().nullable(),
    stateType: p
      .enum(() => STATE_TYPES)
      .nativeEnumName('state_type')
      .nullable(),
    stateName: p.string().nullable(),
    stateTimestamp: p.datetime().nullable(),
    startTime: p.datetime().nullable(),
    /** Set on entering a terminal state, cleared when the run is brought back to life. */
    endTime: p.datetime().nullable(),
    tags: p.json<string[]>(),
    workQueueId: p.uuid().nullable(),
    workQueueName: p.string().nullable(),
  },
});
