import type { EpochUnit } from '../../../policy/epoch.ts';

/** What is proposed for a database: what a configuration file is made of. */
export interface Proposal {
  /** A program that the database belongs to and that is known. */
  readonly application: Application | null;
  /** All tables that a pass names. */
  readonly entities: readonly ProposedEntity[];
  readonly passes: readonly ProposedPass[];
  /** Tables that need no pass, with the reason. */
  readonly waived: readonly LeftOut[];
  /** Tables that seem to grow and have no pass, with the reason. */
  readonly unsolved: readonly LeftOut[];
}

export type Application = 'prefect' | 'django';

/** A table without a pass. */
export interface LeftOut {
  readonly table: string;
  readonly why: string;
}

/** An entity with the columns that its passes name. */
export interface ProposedEntity {
  readonly name: string;
  readonly table: string;
  /** Null if the search path finds the table. */
  readonly schema: string | null;
  readonly properties: readonly ProposedProperty[];
  /** The table has no primary key, and the first property stands for one. */
  readonly keyless: boolean;
}

export interface ProposedProperty {
  readonly name: string;
  readonly column: string;
  /** As the database writes it. */
  readonly type: string;
  readonly nullable: boolean;
  readonly primary: boolean;
}

/** A pass that expires rows of one table, or drops its old partitions. */
export interface ProposedPass {
  /** It drops partitions: it has no unit, states or children. */
  readonly drops: boolean;
  readonly name: string;
  readonly entity: string;
  /** The property with the age, and what it counts since 1970 if it is a number. */
  readonly age: string;
  readonly unit: EpochUnit | null;
  readonly olderThan: '1 day' | '90 days';
  /** Rows in other states stay. */
  readonly states: { readonly property: string; readonly values: readonly string[] } | null;
  readonly children: readonly ProposedChild[];
  /** The label of the table whose rows its rows go with: proposed as a comment, for rows of that one that stay. Null for others. */
  readonly goesWith: string | null;
  /** What was guessed, and by what. */
  readonly comments: readonly string[];
}

/** Rows that go with a row, by a column that references it. */
export interface ProposedChild {
  readonly entity: string;
  readonly by: string;
  readonly children: readonly ProposedChild[];
  /** Nothing but names and types ties them: proposed as a comment. */
  readonly guess: boolean;
}
