import type { Issue } from '../../policy/issue.ts';
import type { AnyEntity, Pass } from '../../policy/pass.ts';
import { describeOther, findNearest } from '../../policy/suggest-name.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import type { ColumnName, Predicate, TableName } from '../stored/columns.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { PolicyEntities } from './entities.ts';

/** What a policy is resolved for: a preview needs fewer privileges. */
export type Purpose = 'preview' | 'execute';

/** What a pass needs of a table to do its work. */
type Privilege = keyof CatalogTable['may'];

/**
 * Looks up the names of a pass: in entity metadata and in the live catalog. Whatever is not there becomes an issue, and
 * the look-up returns undefined.
 */
export class Scope {
  readonly entities: PolicyEntities;
  readonly catalog: Catalog;
  readonly issues: Issue[] = [];
  /** Start of the run by the database's clock, as `to_json` writes it. */
  readonly now: string;
  /** All tables that the policy deletes from, cascades included. */
  readonly deletedFrom: readonly TableName[];
  /** A table that the pass needs is not there. */
  missesTable = false;
  readonly purpose: Purpose;
  readonly #at: string;

  /** The passes of the run that stand after this one. */
  readonly later: readonly Pass[];

  constructor(
    { entities, catalog, now }: Pick<Scope, 'entities' | 'catalog' | 'now'>,
    passes: readonly Pass[],
    pass: Pass,
    purpose: Purpose,
    deletedFrom: readonly TableName[] = [],
  ) {
    this.entities = entities;
    this.catalog = catalog;
    this.now = now;
    this.later = passes.slice(passes.indexOf(pass) + 1);
    this.#at = `pass ${JSON.stringify(pass.name)}`;
    this.purpose = purpose;
    this.deletedFrom = deletedFrom;
  }

  addIssue(what: string, fix: string, here?: string): undefined {
    this.issues.push({ at: this.#at, what, fix, ...(here === undefined ? {} : { here }) });
  }

  /** The table of an entity that is only read, row by row of what references it or is referenced: it may be partitioned. */
  readTable(entity: AnyEntity): CatalogTable | undefined {
    return this.table(entity, ['select'], true);
  }

  /** The table of an entity, on which the connected role has the privileges. */
  table(
    entity: AnyEntity,
    privileges: readonly Privilege[],
    mayBePartitioned = false,
  ): CatalogTable | undefined {
    const name = this.entities.name(entity);
    if (this.entities.lacksSchema(entity)) {
      return this.addIssue(
        `entity ${name} leaves its schema to be chosen at run time, and nothing chooses one`,
        'Give the database as a MikroORM instance with a schema, or name the schema in the entity',
      );
    }
    const asked = this.entities.table(entity);
    const table = this.catalog.find(asked.schema, asked.name);
    if (table === undefined) {
      this.missesTable = true;
      const label = asked.schema === undefined ? asked.name : `${asked.schema}.${asked.name}`;
      return this.addIssue(
        `entity ${name} has no table in this database`,
        'Check that this is the right database and that the search path finds its tables',
        `table ${label} is missing${describeOther(this.catalog.suggest(asked.schema, asked.name))}`,
      );
    }
    const isWhole = mayBePartitioned && table.kind === 'partitioned';
    if (table.kind !== 'table' && !isWhole) {
      return this.addIssue(
        `entity ${name} is ${describeKind(table.kind)}, whose rows have no stable location to scan by`,
        'Name the entity of an ordinary table, or one whose table is a single partition; expireRows and dropPartitions take a partitioned table',
        `relation ${table.label}`,
      );
    }
    if (!this.#isSupported(table, `the table of entity ${name}`)) return undefined;
    if (table.inherited && !isWhole) {
      return this.addIssue(
        `entity ${name} has a table that other tables inherit from, whose rows would go uncounted`,
        'Name the entity of a table without children',
        `relation ${table.label}`,
      );
    }
    if (this.entities.isPartOfTable(entity)) {
      return this.addIssue(
        `entity ${name} shares its table with others by a discriminator, and its pass would take their rows`,
        'Name the entity at the root, and say in where which rows are meant',
        `table ${table.label}`,
      );
    }
    return this.#checkRights(table, privileges, `rows of entity ${name}`) ? table : undefined;
  }

  /** Whether rows can be deleted from a partition of the table of an entity, and the connected role may. */
  isUsable(leaf: CatalogTable, entity: AnyEntity, privileges: readonly Privilege[]): boolean {
    const name = this.entities.name(entity);
    const isSupported = this.#isSupported(leaf, `a partition of the table of entity ${name}`);
    return isSupported && this.#checkRights(leaf, privileges, `rows of a partition of entity ${name}`);
  }

  /** Rows deleted by cascade are counted, so that the role must see them. */
  mayReadCascades({ table, counted }: Pick<StoredPass, 'table' | 'counted'>): void {
    for (const name of counted) {
      const other = name.label === table.label ? undefined : this.catalog.named(name);
      if (other === undefined) continue;
      this.#isSupported(other, 'a table whose rows are deleted by cascade');
      this.#checkRights(other, ['select'], 'rows that go by cascade');
    }
  }

  /** What a pass must see of a table that it does not delete from. */
  mayRead(table: CatalogTable, rows: string): void {
    this.#checkRights(table, ['select'], rows);
  }

  #isSupported({ unsupported, label }: CatalogTable, which: string): boolean {
    if (unsupported === undefined) return true;
    this.addIssue(`${which} ${unsupported.what}`, unsupported.fix, `table ${label}`);
    return false;
  }

  #checkRights(table: CatalogTable, privileges: readonly Privilege[], rows: string): boolean {
    if (table.hidden) {
      this.addIssue(
        `row-level security hides some ${rows} from the database role, so that rows that exist would seem deleted`,
        'Use a role with bypassrls',
        `table ${table.label}`,
      );
      return false;
    }
    const needed = this.purpose === 'preview' ? privileges.filter((of) => of === 'select') : privileges;
    const missing = needed.filter((privilege) => !table.may[privilege]);
    if (missing.length === 0) return true;
    const list = missing.join(', ');
    this.addIssue(
      `the database role may not ${list} ${rows}`,
      'Grant it, as the owner of the table or a superuser',
      `grant ${list} on ${table.label} to the role of the connection`,
    );
    return false;
  }

  /** The column of a property, as the catalog has it. */
  column(
    entity: AnyEntity,
    table: CatalogTable | undefined,
    property: string,
    option: string,
  ): ColumnName | undefined {
    const name = this.entities.name(entity);
    const column = this.entities.column(entity, property);
    if (column === undefined) {
      const known = this.entities.properties(entity).join(', ');
      return this.addIssue(
        `${option} names ${JSON.stringify(property)}, which is no property of ${name} with a column`,
        `Use one of ${known}`,
      );
    }
    return table === undefined ? undefined : this.columnOf(entity, table, column, property);
  }

  /** A column of the table of an entity. `property` is what a person calls it. */
  columnOf(
    entity: AnyEntity,
    table: CatalogTable,
    column: string,
    property = column,
  ): ColumnName | undefined {
    const name = `property ${this.entities.name(entity)}.${property}`;
    const found = table.columns.get(column);
    if (found === undefined) {
      return this.addIssue(
        `${name} has no column in this database`,
        'Bring entity and database to the same version',
        `column ${table.label}.${column} is missing${describeOther(findNearest(column, [...table.columns.keys()]))}`,
      );
    }
    if (found.hiddenOperator === true) {
      return this.addIssue(
        `${name} has a type whose operators the search path of the session does not find, so that its values would be compared in another way than its indexes and foreign keys do`,
        'Add the schema of the type to the search path, with `alter role ... set search_path`',
        `column ${table.label}.${column} is ${found.type}`,
      );
    }
    return columnName(found);
  }

  /** The primary key of an entity, which must be one column. */
  key(
    entity: AnyEntity,
    table: CatalogTable | undefined,
    why = { what: 'by which others could name its rows', fix: 'Name children by an entity with one' },
  ): ColumnName | undefined {
    if (table === undefined) return undefined;
    const [only, ...more] = table.primaryKey;
    if (only !== undefined && more.length === 0) return this.columnOf(entity, table, only);
    return this.addIssue(
      `entity ${this.entities.name(entity)} has no primary key of one column, ${why.what}`,
      why.fix,
    );
  }

  /**
   * The rows of which a filter does not tell whether it means them: a relation that their entity says is required has no
   * row, and MikroORM drops them, whatever else the filter says. Null if there can be none.
   */
  dropped(entity: AnyEntity, filter: object, option: string): Predicate | null {
    const issues: Issue[] = [];
    this.entities.predicate(entity, filter, this.#at, option, issues);
    return issues.length > 0 ? null : this.entities.dropped(entity, filter);
  }

  predicate(entity: AnyEntity, filter: object, option = 'where'): Predicate {
    return this.entities.predicate(entity, filter, this.#at, option, this.issues);
  }

  /** Which rows of an entity that references another are meant, by their own columns; undefined for all. */
  whichRows(entity: AnyEntity, filter: object): Predicate | undefined {
    if (Reflect.ownKeys(filter).length === 0) return undefined;
    const option = `where for ${this.entities.name(entity)}`;
    return this.entities.ownPredicate(entity, filter, this.#at, option, this.issues);
  }
}

/** A column as a run stores it. */
function columnName({ name, type, collation }: ColumnName): ColumnName {
  return { name, type, ...(collation === undefined ? {} : { collation }) };
}

function describeKind(kind: CatalogTable['kind']): string {
  if (kind === 'partitioned') return 'partitioned';
  return kind === 'view' || kind === 'materialized view' ? `a ${kind}` : 'no ordinary table';
}
