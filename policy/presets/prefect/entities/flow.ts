import { defineEntity, p } from '@mikro-orm/core';

/** A flow, which runs are runs of. */
export const Flow = defineEntity({
  name: 'Flow',
  tableName: 'flow',
  properties: { id: p.uuid().primary(), name: p.string() },
});
