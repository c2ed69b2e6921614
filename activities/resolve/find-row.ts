import type { Issue } from '../../policy/issue.ts';
import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Policy } from '../../policy/policy.ts';
import { suggestName } from '../../policy/suggest-name.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isRefused } from '../dialect/errors.ts';
import type { FoundRow } from '../dialect/rows.ts';
import type { PolicyEntities } from './entities.ts';

/** An entity that a person named, with its table. */
export interface NamedEntity {
  readonly entity: AnyEntity;
  readonly table: CatalogTable;
}

/** Finds an entity of a policy by its name or by that of its table; reports if there is none. */
export async function findEntity(
  tx: Tx,
  policy: Policy,
  entities: PolicyEntities,
  name: string,
  issues: Issue[],
): Promise<NamedEntity | undefined> {
  const at = 'ENTITY';
  const entity = entities.find(name) ?? entities.findByTable(name);
  if (entity === undefined) {
    const what = `policy ${policy.name} has no entity ${JSON.stringify(name)}`;
    issues.push({ at, what, fix: `${suggestName(name, entities.names())}, or its table` });
    return undefined;
  }
  const wanted = entities.table(entity);
  const table = (await tx.facts.readCatalog([wanted])).find(wanted.schema, wanted.name);
  if (table !== undefined) return { entity, table };
  issues.push({
    at,
    what: `${name} has no table in this database`,
    fix: 'Check that this is the right one',
  });
  return undefined;
}

/** Finds a row by its primary key; undefined if there is none. Reports a key that cannot be one. */
export async function findRow(
  tx: Tx,
  table: CatalogTable,
  key: string,
  issues: Issue[],
): Promise<FoundRow | undefined> {
  const at = 'KEY';
  const [name = '', ...more] = table.primaryKey;
  const found = table.columns.get(name);
  if (found === undefined || more.length > 0) {
    const fix = 'Name an entity that has one, or rows by a filter if you can choose';
    issues.push({ at, what: 'the entity has no primary key of one column', fix });
    return undefined;
  }
  const column = { name, type: found.type };
  try {
    return await tx.tryAndUndo(async () => tx.rows.find(table, column, key));
  } catch (error) {
    if (!isRefused(error)) throw error;
    const what = `${JSON.stringify(key)} is no key of the entity`;
    issues.push({ at, what, fix: 'Write it as the database does', here: `its type is ${column.type}` });
    return undefined;
  }
}
