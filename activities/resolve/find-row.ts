import type { Issue } from '../../policy/issue.ts';
import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Policy } from '../../policy/policy.ts';
import { suggestName } from '../../policy/suggest-name.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isRefused } from '../dialect/read-error.ts';
import type { FoundRow, KeyValue, RowPlace } from '../dialect/rows.ts';
import { toTableName } from '../dialect/table-names.ts';
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

/**
 * Finds where a row lies by its primary key; undefined if there is none. Of several columns each is named, by its property or
 * by itself, as in `order=7,line=2` or as a JSON object. Reports a key that cannot be one.
 */
export async function locateRow(
  tx: Tx,
  { entity, table }: NamedEntity,
  key: string,
  entities: PolicyEntities,
  issues: Issue[],
): Promise<RowPlace | undefined> {
  const columns = table.primaryKey.flatMap((name) => {
    const type = table.columns.get(name)?.type;
    return type === undefined ? [] : [{ name, type, property: entities.findProperty(entity, name) ?? name }];
  });
  if (columns.length === 0) {
    issues.push({ at: 'KEY', what: 'the table has no primary key', fix: 'Name an entity that has one' });
    return undefined;
  }
  const values = columns.length === 1 ? [key] : readValues(key, columns);
  if (values === undefined) {
    const form = columns.map(({ property }) => `${property}=...`).join(',');
    const what = `${JSON.stringify(key)} does not name each of the ${columns.length} columns of the primary key once`;
    issues.push({ at: 'KEY', what, fix: `Write it as '${form}', or as a JSON object` });
    return undefined;
  }
  const wanted = columns.map(({ name, type }, n): KeyValue => ({
    column: { name, type },
    value: values[n] ?? '',
  }));
  try {
    return await tx.tryAndUndo(async () => tx.rows.locate(toTableName(table), wanted));
  } catch (error) {
    if (!isRefused(error)) throw error;
    const what = `${JSON.stringify(key)} is no key of the entity`;
    const types = columns.map(({ property, type }) => (columns.length === 1 ? type : `${property} ${type}`));
    issues.push({
      at: 'KEY',
      what,
      fix: 'Write it as the database does',
      here: `its type is ${types.join(', ')}`,
    });
    return undefined;
  }
}

interface KeyColumn {
  readonly name: string;
  readonly property: string;
}

/** The value of each column, in their order; undefined unless the text names each of them once and nothing else. */
function readValues(key: string, columns: readonly KeyColumn[]): string[] | undefined {
  const named = readObject(key) ?? readPairs(key, columns);
  const values = columns.flatMap(({ name, property }) => {
    const own = named.filter(([given]) => given === property || given === name);
    return own.length === 1 ? own.map(([, value]) => value) : [];
  });
  return values.length === columns.length && named.length === columns.length ? values : undefined;
}

/** Undefined if the text is no JSON object. */
function readObject(key: string): [string, string][] | undefined {
  try {
    const value: unknown = key.startsWith('{') ? JSON.parse(key) : undefined;
    return typeof value === 'object' && value !== null
      ? Object.entries(value).map(([name, one]) => [name, String(one)])
      : undefined;
  } catch {
    return undefined;
  }
}

/** Pairs begin where the name of a column stands, so that a value may have a comma. */
function readPairs(key: string, columns: readonly KeyColumn[]): [string, string][] {
  const names = new Set(columns.flatMap(({ name, property }) => [name, property]));
  const pairs: [string, string][] = [];
  for (const part of key.split(',')) {
    const [name = '', ...value] = part.split('=');
    const last = pairs.at(-1);
    if (value.length > 0 && names.has(name)) pairs.push([name, value.join('=')]);
    else if (last === undefined) return [];
    else last[1] += `,${part}`;
  }
  return pairs;
}

/** Finds a row by its primary key of one column; undefined if there is none. Reports a key that cannot be one. */
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
    issues.push({
      at,
      what: 'the entity has no primary key of one column, and a hold names one row by one column',
      fix,
    });
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
