import type { Issue } from '../../policy/issue.ts';
import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Policy } from '../../policy/policy.ts';
import { suggestName } from '../../policy/suggest-name.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isRefused } from '../dialect/read-error.ts';
import type { FoundRow, KeyValue, RowPlace } from '../dialect/rows.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { ColumnName } from '../stored/columns.ts';
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

/** A row that a person named by its primary key, and the values that it was named by. */
export interface NamedRow {
  readonly place: RowPlace;
  /** By the names of the columns, as the person wrote them. */
  readonly values: Readonly<Record<string, string>>;
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
): Promise<NamedRow | undefined> {
  const properties = table.primaryKey.map((name) => entities.findProperty(entity, name));
  const columns = table.primaryKey.flatMap((name, n) => {
    const type = table.columns.get(name)?.type;
    // A relation of several columns names none of them.
    const isShared = properties.some((other, m) => m !== n && other === properties[n]);
    const property = isShared ? name : (properties[n] ?? name);
    return type === undefined ? [] : [{ name, type, property }];
  });
  if (columns.length === 0) {
    const fix = 'Name an entity that has one; a hold may name rows by a filter';
    issues.push({ at: 'KEY', what: 'the table has no primary key', fix });
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
  const types = columns.map(({ property, type }) => (columns.length === 1 ? type : `${property} ${type}`));
  const place = await tryKey(tx, key, types, issues, async () => tx.rows.locate(toTableName(table), wanted));
  if (place === undefined) return undefined;
  const named = columns.map(({ property }, n) => [property, values[n] ?? ''] as const);
  return { place, values: Object.fromEntries(named) };
}

/** Looks up a key that may be none of its type; reports it then. */
async function tryKey<T>(
  tx: Tx,
  key: string,
  types: readonly string[],
  issues: Issue[],
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await tx.tryAndUndo(find);
  } catch (error) {
    if (!isRefused(error)) throw error;
    issues.push({
      at: 'KEY',
      what: `${JSON.stringify(key)} is no key of the entity`,
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

/** Finds a row by its primary key, which is one column; undefined if there is none. Reports a key that cannot be one. */
export async function findRow(
  tx: Tx,
  table: CatalogTable,
  column: ColumnName,
  key: string,
  issues: Issue[],
): Promise<FoundRow | undefined> {
  return tryKey(tx, key, [column.type], issues, async () => tx.rows.find(table, column, key));
}
