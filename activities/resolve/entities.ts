import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Policy } from '../../policy/policy.ts';
import { ALWAYS } from '../dialect/bind-predicate.ts';
import type { WantedTable } from '../dialect/catalog.ts';
import type { Session } from '../dialect/dialect.ts';
import type { CompositeRelation, EntityReader, EntityRelation } from '../dialect/entity-reader.ts';
import { MisreadFilterError } from '../dialect/refuse-misread.ts';
import type { Predicate, TableName } from '../stored/columns.ts';

/** What the metadata says of the entities of a policy; never connects. */
export class PolicyEntities {
  readonly #reader: EntityReader;

  /** `entities` are all that the policy names. Throws a `ValidationError` if MikroORM cannot read one. */
  constructor(
    session: Pick<Session, 'readEntities'>,
    { name }: Pick<Policy, 'name'>,
    entities: readonly AnyEntity[],
  ) {
    try {
      this.#reader = session.readEntities(entities);
      // One that MikroORM passed over has no metadata.
      for (const entity of entities) this.#reader.describe(entity);
    } catch (error) {
      const here = error instanceof Error ? error.message : String(error);
      const at = `policy ${JSON.stringify(name)}`;
      const fix =
        'Mend the entities; if they need settings of your own, like a metadata provider, give the database as your MikroORM instance';
      assertValid(at, [{ at, what: 'MikroORM cannot read its entities', fix, here }]);
      throw error;
    }
  }

  /** What a person calls an entity. */
  name(entity: AnyEntity): string {
    return this.#reader.describe(entity).name;
  }

  /** The entity of a name; undefined if there is none. */
  find(name: string): AnyEntity | undefined {
    return this.#reader.list().find((description) => description.name === name)?.entity;
  }

  /** The entity of a table, `table` or `schema.table`; undefined if no entity or several have it. */
  findByTable(name: string): AnyEntity | undefined {
    const found = this.#reader.list().filter(({ schema, table }) => {
      return table === name || (schema !== undefined && `${schema}.${table}` === name);
    });
    return found.length === 1 ? found[0]?.entity : undefined;
  }

  /** The names of all entities, sorted. */
  names(): string[] {
    return this.#reader
      .list()
      .map(({ name }) => name)
      .toSorted();
  }

  /** The name of the entity of a table; undefined if no entity names the table. */
  findEntityName({ schema, name }: TableName): string | undefined {
    return this.#reader
      .list()
      .find((other) => other.table === name && (other.schema === undefined || other.schema === schema))?.name;
  }

  /** The table that an entity names, and its schema if it names one. */
  table(entity: AnyEntity): WantedTable {
    const { schema, table } = this.#reader.describe(entity);
    return { schema, name: table };
  }

  /** Whether the entity leaves its schema to be chosen at run time, and nothing chooses one. */
  lacksSchema(entity: AnyEntity): boolean {
    return this.#reader.describe(entity).lacksSchema;
  }

  /** Whether the entity is one of several in its table, told apart by a column: it means only some of the rows. */
  isPartOfTable(entity: AnyEntity): boolean {
    return this.#reader.describe(entity).isPartOfTable;
  }

  /** The column of a property; undefined if there is no such property or it has not exactly one column. */
  column(entity: AnyEntity, property: string): string | undefined {
    return this.#reader.describe(entity).columns.get(property);
  }

  /** The relation by several columns that a property is; undefined for other properties. */
  compositeRelation(entity: AnyEntity, property: string): CompositeRelation | undefined {
    return this.#reader
      .describe(entity)
      .compositeRelations.find((relation) => relation.property === property);
  }

  /** Whether the entity declares a property as an instant, `timestamptz`. */
  isInstant(entity: AnyEntity, property: string): boolean {
    return this.#reader.describe(entity).instants.has(property);
  }

  /**
   * The relations that a property stands for: it is one, or others of the entity have the same column. Several if a column
   * names rows of several entities.
   */
  relations(entity: AnyEntity, property: string): EntityRelation[] {
    const { relations, columns } = this.#reader.describe(entity);
    const own = relations.filter((relation) => relation.property === property);
    return own.length > 0 ? own : relations.filter(({ column }) => column === columns.get(property));
  }

  /** The first property that has a column; undefined if none has. */
  findProperty(entity: AnyEntity, column: string): string | undefined {
    return [...this.#reader.describe(entity).columns].find(([, name]) => name === column)?.[0];
  }

  /** The names of the properties that have a column, for messages. */
  properties(entity: AnyEntity): string[] {
    return [...this.#reader.describe(entity).columns.keys()];
  }

  /** A filter as a condition over a row of the entity. Reports what MikroORM cannot read. */
  predicate(entity: AnyEntity, filter: object, at: string, option: string, issues: Issue[]): Predicate {
    return this.#read(entity, at, option, issues, () => this.#reader.predicate(entity, filter));
  }

  /** The same with rows that have no row of a relation that the entity says is required. */
  widePredicate(entity: AnyEntity, filter: object, at: string, option: string, issues: Issue[]): Predicate {
    return this.#read(entity, at, option, issues, () => this.#reader.widePredicate(entity, filter));
  }

  /** The same as {@link predicate}, by columns of the row itself. Reports other filters. */
  ownPredicate(entity: AnyEntity, filter: object, at: string, option: string, issues: Issue[]): Predicate {
    return this.#read(entity, at, option, issues, () => this.#reader.ownPredicate(entity, filter));
  }

  /** Only those rows; null if a filter that was read drops none. */
  dropped(entity: AnyEntity, filter: object): Predicate | null {
    return this.#reader.dropped(entity, filter);
  }

  #read(entity: AnyEntity, at: string, option: string, issues: Issue[], read: () => Predicate): Predicate {
    try {
      return read();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof MisreadFilterError) {
        const { fix } = error;
        issues.push({ at, what: `its ${option} would match other rows than it says: ${message}`, fix });
        return ALWAYS;
      }
      issues.push({
        at,
        ...describeFilterError(option, message, this.name(entity), this.properties(entity)),
      });
      return ALWAYS;
    }
  }
}

/**
 * What is wrong with a filter that means nothing or cannot be read, and what to do. A property is the person's own word and
 * may travel; whatever else MikroORM says stays on this machine.
 */
function describeFilterError(
  option: string,
  message: string,
  entity: string,
  properties: readonly string[],
): Omit<Issue, 'at'> {
  const [, unknown, owner] = /not existing property ((\w+)\.[\w.]+)/.exec(message) ?? [];
  if (unknown !== undefined) {
    const known = owner === entity ? ` of ${properties.join(', ')}` : ` that ${owner} has`;
    return { what: `its ${option} names ${unknown}, which is no property`, fix: `Use one${known}` };
  }
  const dropped = /^([\w.$]+) is (?:undefined|empty)$/.exec(message)?.[1];
  if (dropped !== undefined) {
    return {
      what: `its ${option} has no value: ${message}`,
      fix: `Give ${dropped} a value, or leave it out`,
    };
  }
  if (message.endsWith('so every row would match')) {
    return {
      what: `its ${option} means nothing: ${message}`,
      fix: 'Say which rows are meant, or leave it out',
    };
  }
  if (message === 'it reads more than columns of the row itself') {
    return {
      what: `its ${option} has raw SQL, or is about a relation, and such a filter may only compare columns of ${entity}`,
      fix: `Compare properties of ${entity} that have a column, with MikroORM's operators`,
    };
  }
  if (message.includes('is not supported on')) {
    return { what: `its ${option} cannot be used: ${message}`, fix: 'Say it in another way' };
  }
  const fix = `Use the properties of ${entity} and MikroORM's operators`;
  return { what: `its ${option} cannot be read`, fix, here: message };
}
