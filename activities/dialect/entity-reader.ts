import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Predicate } from '../stored/columns.ts';

/** What a column names, as a relation of an entity to one other says. */
export interface EntityRelation {
  readonly property: string;
  /** The name of the other entity, and its table. */
  readonly target: string;
  readonly schema: string | undefined;
  readonly table: string;
  /** The column of the entity, and the column that it names. */
  readonly column: string;
  readonly references: string;
}

/** What several columns name, as a relation of an entity to one other says. */
export interface CompositeRelation extends Omit<EntityRelation, 'column' | 'references'> {
  /** The columns of the entity, and those that they name, in the same order. */
  readonly columns: readonly string[];
  readonly references: readonly string[];
}

/** What the metadata of an entity says. */
export interface EntityDescription {
  readonly entity: AnyEntity;
  /** What a person calls it. */
  readonly name: string;
  /** Undefined if neither it nor the ORM names one. */
  readonly schema: string | undefined;
  /** It leaves its schema to be chosen at run time, and the ORM names none. */
  readonly lacksSchema: boolean;
  readonly table: string;
  /** It is one of several in its table, told apart by a column: it means only some of the rows. */
  readonly isPartOfTable: boolean;
  /** The column of each property that has exactly one. */
  readonly columns: ReadonlyMap<string, string>;
  /** The properties that the entity declares as `timestamptz`: a text without a time zone is UTC then. */
  readonly instants: ReadonlySet<string>;
  /** Its relations to one other entity by one column. */
  readonly relations: readonly EntityRelation[];
  /** Its relations to one other entity by several columns. */
  readonly compositeRelations: readonly CompositeRelation[];
}

/** Reads the metadata of entities; never connects. */
export interface EntityReader {
  describe(entity: AnyEntity): EntityDescription;
  list(): EntityDescription[];
  /** A filter as a condition over alias `t`. Throws if the filter cannot be read or would match every row. */
  predicate(entity: AnyEntity, filter: object): Predicate;
  /** The same if the filter is about columns of the row itself, without raw SQL. Throws for others. */
  ownPredicate(entity: AnyEntity, filter: object): Predicate;
  /** The same with the rows that {@link EntityReader.dropped} names. */
  widePredicate(entity: AnyEntity, filter: object): Predicate;
  /**
   * The rows that a filter drops only because a relation has no row, although the entity says that it is required: null if
   * it drops none. Throws as {@link EntityReader.predicate} does.
   */
  dropped(entity: AnyEntity, filter: object): Predicate | null;
}
