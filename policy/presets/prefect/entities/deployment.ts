import { defineEntity, p } from '@mikro-orm/core';

import { Flow } from './flow.ts';

/** A deployment of a flow. */
export const Deployment = defineEntity({
  name: 'Deployment',
  tableName: 'deployment',
  properties: {
    id: p.uuid().primary(),
    name: p.string(),
    flow: () => p.manyToOne(Flow).joinColumn('flow_id'),
  },
});
