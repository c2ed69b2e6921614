import type { Policy } from '../../policy/policy.ts';
import { PolicyEntities } from '../plan/entities.ts';
import type { TableName } from '../sql/names.ts';

/** A table as the policy calls it: by its entity. A table's own name must not travel. */
export function nameEntity(policy: Policy, { schema, name }: TableName): string {
  const entities = new PolicyEntities(policy);
  const found = policy.entities.find((entity) => {
    const table = entities.table(entity);
    return table.name === name && (table.schema === undefined || table.schema === schema);
  });
  return found === undefined ? 'a table that goes along by a foreign key' : `entity ${entities.name(found)}`;
}
