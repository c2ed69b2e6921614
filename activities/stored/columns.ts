/** A table as the catalog knows it. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
  /** How the ledger and reports write it: the bare name if the search path finds the table by it, else `schema.name`. */
  readonly label: string;
  /** Its rows lie in partitions: it can only be read. */
  readonly partitioned?: true;
  /** The partitioned table of which it is a partition, with its schema; left out if it is none. */
  readonly partitionRoot?: string;
}

/** A column and its type, as the database writes the type. */
export interface ColumnName {
  readonly name: string;
  readonly type: string;
  /** Its collation, if that is nondeterministic: it takes texts for equal that differ, like `a` and `A`. */
  readonly collation?: string;
}

/**
 * A partial index on the age. All rows that the pass may delete match its predicate, so that a scan by age reads only rows that do:
 * the planner can use the index if the statement says so.
 */
export interface PartialIndex {
  readonly name: string;
  /** SQL over the columns of the table, as the database writes it. */
  readonly predicate: string;
}

export interface AgeColumn extends ColumnName {
  /** The row that has it; left out if that is the row itself. */
  readonly parent?: {
    readonly table: TableName;
    readonly key: ColumnName;
    readonly by: ColumnName;
  };
}

/** The columns with the age of a row, of which the first that is not null counts. */
export type Ages = readonly [AgeColumn, ...AgeColumn[]];

/**
 * A filter of a policy as a run stores it: SQL text over alias `t` with `?` for each bound value, and the values. The
 * dialect makes the text with MikroORM's query builder.
 */
export interface Predicate {
  readonly text: string;
  readonly values: readonly BoundValue[];
  /**
   * It has, or may have, a select of its own: over relations, in raw SQL, inside a function. PostgreSQL evaluates that as
   * of the start of a statement, also for a row that the statement waited for. Such a row must be locked first.
   */
  readonly selects: boolean;
}

/** What JSON can carry and a driver can bind. */
export type BoundValue = string | number | boolean | null | readonly BoundValue[];

/** Pairs of a column that references and the column that it references. */
export type ColumnPairs = readonly {
  readonly child: string;
  readonly parent: string;
  /** The column that is referenced is compared as text; left out if both have one type. */
  readonly as?: 'text';
  /** Both are periods that overlap; left out if they are equal. */
  readonly overlaps?: true;
}[];
