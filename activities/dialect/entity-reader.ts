import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Predicate } from '../stored/columns.ts';

/** What the metadata of an entity says. */
export interface EntityDescription {
  readonly entity: AnyEntity;
  /** What a person calls it. */
  readonly name: string;
  /** Undefined if it names none. */
  readonly schema: string | undefined;
  readonly table: string;
  /** It is one of several in its table, told apart by a column: it means only some of the rows. */
  readonly isPartOfTable: boolean;
  /** The column of each property that has exactly one. */
  readonly columns: ReadonlyMap<string, string>;
  /** The properties that the entity declares as `timestamptz`: a text without a time zone is UTC then. */
  readonly instants: ReadonlySet<string>;
}

/** Reads the metadata of entities; never connects. */
export interface EntityReader {
  describe(entity: AnyEntity): EntityDescription;
  list(): EntityDescription[];
  /** A filter as a condition over alias `t`. Throws if the filter cannot be read or would match every row. */
  predicate(entity: AnyEntity, filter: object): Predicate;
}
