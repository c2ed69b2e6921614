import type { CatalogColumn } from '../../dialect/catalog.ts';
import { findInstantType } from './instant-type.ts';
import type { KnownTable } from './known-table.ts';
import type { ProposedEntity, ProposedProperty } from './proposal.ts';
import { distinguish } from './words.ts';

/** The entities of a proposal, each made when it is first named, with the columns that are named. */
export class EntityList {
  readonly #entities = new Map<
    string,
    { readonly name: string; readonly table: KnownTable; columns: string[] }
  >();

  /** The name of a table's entity, in the spelling of classes: `task_runs` is `TaskRuns`. */
  nameEntity(table: KnownTable): string {
    const known = this.#entities.get(table.catalog.id);
    if (known !== undefined) return known.name;
    const taken = [...this.#entities.values()].map(({ name }) => name);
    const { name: own, schema, label } = table.catalog;
    const wanted = toPascalCase(own);
    const name = taken.includes(wanted) && label !== own ? toPascalCase(`${schema}_${own}`) : wanted;
    const unique = distinguish(name, taken);
    this.#entities.set(table.catalog.id, { name: unique, table, columns: listKeyColumns(table) });
    return unique;
  }

  /** The name of the property of a column: `expire_date` is `expireDate`. */
  nameProperty(table: KnownTable, column: string): string {
    this.nameEntity(table);
    const known = this.#entities.get(table.catalog.id);
    if (known !== undefined && !known.columns.includes(column)) known.columns.push(column);
    return listNames(known?.columns ?? []).get(column) ?? column;
  }

  list(): ProposedEntity[] {
    return [...this.#entities.values()].map(({ name, table: { catalog }, columns }) => {
      const names = listNames(columns);
      return {
        name,
        table: catalog.name,
        schema: catalog.label === catalog.name ? null : catalog.schema,
        keyless: catalog.primaryKey.length === 0,
        properties: columns.flatMap((column) =>
          toProperty(catalog.columns.get(column), names.get(column) ?? column, listKeyColumns({ catalog })),
        ),
      };
    });
  }
}

function toProperty(
  column: CatalogColumn | undefined,
  name: string,
  key: readonly string[],
): ProposedProperty[] {
  if (column === undefined) return [];
  const primary = key.includes(column.name);
  const type = findInstantType(column) ?? column.type;
  return [{ name, column: column.name, type, nullable: !column.notNull && !primary, primary }];
}

/** MikroORM wants a primary key of every entity: without one the first column stands for it. */
function listKeyColumns({ catalog }: Pick<KnownTable, 'catalog'>): string[] {
  const { primaryKey, columns } = catalog;
  return primaryKey.length > 0 ? [...primaryKey] : [...columns.keys()].slice(0, 1);
}

/** The names of properties, each another one, in the order in which their columns were named. */
function listNames(columns: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const column of columns) {
    names.set(column, distinguish(toCamelCase(column), [...names.values()]));
  }
  return names;
}

function toPascalCase(name: string): string {
  const camel = toCamelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

/** Only letters and digits of ASCII, and no digit first, so that it needs no quotes. */
function toCamelCase(name: string): string {
  const parts = name.split(/[^a-z\d]+/i).filter((part) => part !== '');
  const joined = parts
    .map((part, n) => (n === 0 ? part.charAt(0).toLowerCase() : part.charAt(0).toUpperCase()) + part.slice(1))
    .join('');
  return /^[a-z]/i.test(joined) ? joined : `_${joined}`;
}
