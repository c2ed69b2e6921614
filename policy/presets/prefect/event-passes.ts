import { deleteOrphans } from '../../delete-orphans.ts';
import { expireRows, softChild } from '../../expire-rows.ts';
import type { Pass } from '../../pass.ts';
import { Event, EventResource } from './entities/index.ts';
import { eventOverrides } from './event-retention.ts';
import type { ParsedSettings } from './settings.ts';

/** Events past the retention of their name with what they were about, and what is left of events that are deleted. */
export function eventPasses({ eventMillis, eventOverrides: retention, graceMillis }: ParsedSettings): Pass[] {
  const overrides = eventOverrides(retention);
  const old = expireRows({
    name: 'old-events',
    entity: Event,
    age: 'occurred',
    olderThan: eventMillis,
    overrides,
    with: [softChild({ entity: EventResource, by: 'eventId' })],
    optional: true,
  });
  const orphans = deleteOrphans({
    name: 'orphaned-event-resources',
    entity: EventResource,
    by: 'eventId',
    parent: Event,
    age: 'occurred',
    grace: graceMillis,
    optional: true,
  });
  const nothingExpires = eventMillis === null && overrides.every(({ olderThan }) => olderThan === null);
  return nothingExpires ? [orphans] : [old, orphans];
}
