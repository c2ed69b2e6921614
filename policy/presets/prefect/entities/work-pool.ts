import { defineEntity, p } from '@mikro-orm/core';

/** Where runs are sent to be executed. */
export const WorkPool = defineEntity({
  name: 'WorkPool',
  tableName: 'work_pool',
  properties: { id: p.uuid().primary(), name: p.string() },
});

/** A queue of a work pool. */
export const WorkQueue = defineEntity({
  name: 'WorkQueue',
  tableName: 'work_queue',
  properties: {
    id: p.uuid().primary(),
    name: p.string(),
    workPool: () => p.manyToOne(WorkPool).joinColumn('work_pool_id'),
  },
});
