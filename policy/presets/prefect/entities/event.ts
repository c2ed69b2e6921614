import { defineEntity, p } from '@mikro-orm/core';

/** Something that happened: a change of state, a heartbeat, what an application emitted. */
export const Event = defineEntity({
  name: 'Event',
  tableName: 'events',
  properties: {
    id: p.uuid().primary(),
    occurred: p.datetime().columnType('timestamptz'),
    /** Its name, such as `prefect.flow-run.Completed`. */
    event: p.text(),
    resourceId: p.text(),
  },
});

/** What an event was about: one row for the event's own resource and one for each related. No foreign key. */
export const EventResource = defineEntity({
  name: 'EventResource',
  tableName: 'event_resources',
  properties: {
    id: p.uuid().primary(),
    /** The event's own. */
    occurred: p.datetime().columnType('timestamptz'),
    resourceId: p.text(),
    eventId: p.uuid(),
  },
});
