import { sql } from 'kysely';

import type { Issue } from '../../policy/issue.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { readCatalog } from '../sql/catalog.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { castTo, columnOf, tableOf } from '../sql/names.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { tryAndUndo } from '../sql/transaction.ts';
import type { PolicyEntities } from './entities.ts';

/** An entity that a person named, with its table. */
export interface NamedEntity {
  readonly entity: AnyEntity;
  readonly table: CatalogTable;
}

/** A row that a person named by its primary key. */
export interface NamedRow {
  readonly column: ColumnName;
  /** As the database writes it: what a person types may differ, as a UUID in capitals does. */
  readonly key: string;
  /** Where it lies now. */
  readonly place: string;
}

/** Looks an entity of a policy up by its name; reports where there is none, or no table. */
export async function lookUpEntity(
  tx: Tx,
  policy: Policy,
  entities: PolicyEntities,
  name: string,
  mistakes: Issue[],
): Promise<NamedEntity | undefined> {
  const at = 'ENTITY';
  const entity = entities.find(name);
  if (entity === undefined) {
    const what = `policy ${policy.name} has no entity ${JSON.stringify(name)}`;
    mistakes.push({ at, what, fix: `Name one of ${entities.names().join(', ')}` });
    return undefined;
  }
  const asked = entities.table(entity);
  const table = (await readCatalog(tx, [asked])).find(asked.schema, asked.name);
  if (table !== undefined) return { entity, table };
  mistakes.push({
    at,
    what: `${name} has no table in this database`,
    fix: 'Check that this is the right one',
  });
  return undefined;
}

/** The row with a key; undefined where there is none. */
export async function findRow(
  tx: Tx,
  table: TableName,
  column: ColumnName,
  key: string,
): Promise<NamedRow | undefined> {
  const { rows } = await sql<{ key: string; place: string }>`
    select ${columnOf('t', column)}::text as key, t.ctid::text as place
    from ${tableOf(table)} as t
    where ${columnOf('t', column)} = ${castTo(key, column.type)}`.execute(tx);
  return rows[0] === undefined ? undefined : { column, ...rows[0] };
}

/** Looks a row up by its key; undefined where there is none, or where what is wrong is reported. */
export async function lookUpRow(
  tx: Tx,
  table: CatalogTable,
  key: string,
  mistakes: Issue[],
): Promise<NamedRow | undefined> {
  const at = 'KEY';
  const [name = '', ...more] = table.primaryKey;
  const found = table.columns.get(name);
  if (found === undefined || more.length > 0) {
    const fix = 'Name an entity that has one, or rows by a filter where there is a choice';
    mistakes.push({ at, what: 'the entity has no primary key of one column', fix });
    return undefined;
  }
  const column = { name, type: found.type };
  try {
    return await tryAndUndo(tx, async () => findRow(tx, table, column, key));
  } catch (error) {
    if (readDatabaseError(error)?.verdict !== 'stop') throw error;
    const what = `${JSON.stringify(key)} is no key of the entity`;
    mistakes.push({ at, what, fix: 'Write it as the database does', here: `its type is ${column.type}` });
    return undefined;
  }
}
