import type { PolicyEntities } from '../plan/entities.ts';
import type { TableName } from '../sql/names.ts';

/** A table as the policy calls it: by its entity. A table's own name must not travel. */
export function nameEntity(entities: PolicyEntities, table: TableName): string {
  const name = entities.nameOfTable(table);
  return name === undefined ? 'a table that goes along by a foreign key' : `entity ${name}`;
}
