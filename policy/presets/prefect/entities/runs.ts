import { defineEntity, p } from '@mikro-orm/core';

import { Deployment } from './deployment.ts';
import { Flow } from './flow.ts';
import { STATE_TYPES } from './state-type.ts';
import { WorkQueue } from './work-pool.ts';

/** One run of a flow. Its states, task runs, their states and its inputs hang on it by `on delete cascade`. */
export const FlowRun = defineEntity({
  name: 'FlowRun',
  tableName: 'flow_run',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime().columnType('timestamptz'),
    updated: p.datetime().columnType('timestamptz'),
    name: p.string(),
    flowId: p.uuid(),
    flow: () => p.manyToOne(Flow).joinColumn('flow_id').persist(false),
    /** No foreign key since 2023: the deployment may be deleted. */
    deploymentId: p.uuid().nullable(),
    deployment: () => p.manyToOne(Deployment).joinColumn('deployment_id').nullable().persist(false),
    /** The task run that started this run as a subflow; the database sets it to null when that task run goes. */
    parentTaskRunId: p.uuid().nullable(),
    parentTaskRun: () => p.manyToOne(TaskRun).joinColumn('parent_task_run_id').nullable().persist(false),
    stateType: p
      .enum(() => STATE_TYPES)
      .nativeEnumName('state_type')
      .nullable(),
    stateName: p.string().nullable(),
    stateTimestamp: p.datetime().columnType('timestamptz').nullable(),
    /** When a scheduled run is due next; null in every other state. */
    nextScheduledStartTime: p.datetime().columnType('timestamptz').nullable(),
    startTime: p.datetime().columnType('timestamptz').nullable(),
    /** Set on entering a terminal state, cleared when the run is brought back to life. */
    endTime: p.datetime().columnType('timestamptz').nullable(),
    tags: p.json<string[]>(),
    workQueueId: p.uuid().nullable(),
    workQueue: () => p.manyToOne(WorkQueue).joinColumn('work_queue_id').nullable().persist(false),
    workQueueName: p.string().nullable(),
  },
});

/** One run of a task; its states hang on it by `on delete cascade`. Without a flow run it is a background task run. */
export const TaskRun = defineEntity({
  name: 'TaskRun',
  tableName: 'task_run',
  properties: {
    id: p.uuid().primary(),
    created: p.datetime().columnType('timestamptz'),
    updated: p.datetime().columnType('timestamptz'),
    name: p.string(),
    flowRunId: p.uuid().nullable(),
    flowRun: () => p.manyToOne(FlowRun).joinColumn('flow_run_id').nullable().persist(false),
    stateType: p
      .enum(() => STATE_TYPES)
      .nativeEnumName('state_type')
      .nullable(),
    stateName: p.string().nullable(),
    stateTimestamp: p.datetime().columnType('timestamptz').nullable(),
    startTime: p.datetime().columnType('timestamptz').nullable(),
    endTime: p.datetime().columnType('timestamptz').nullable(),
    tags: p.json<string[]>(),
  },
});
