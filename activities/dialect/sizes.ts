import type { TableName } from '../stored/columns.ts';
import type { Bloat, TableSize, VacuumBlockers } from '../stored/size.ts';

export interface Sizes {
  /** From catalog and statistics: cheap, whatever the size. A table that is not there is left out. */
  read(tables: readonly TableName[]): Promise<TableSize[]>;
  /** Undefined if the database has no extension for it, or the role may not use it. */
  measureBloat(table: TableName): Promise<Bloat | undefined>;
  /** What keeps vacuum from removing dead rows. */
  readVacuumBlockers(): Promise<VacuumBlockers>;
}
