import { countNouns } from '../../../policy/count-nouns.ts';
import type { AgeCandidate } from './ages.ts';
import { listAges } from './ages.ts';
import type { Dependent, Dependents } from './dependents.ts';
import { findGrowth, isNamedBesideEvents } from './growth.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { findObjection, findObjectionToDrop } from './objections.ts';
import { describeAgelessParent } from './parents.ts';
import type { DroppableTable } from './partitioned.ts';
import { judgePartitioned, refuseByRows } from './partitioned.ts';
import type { StateColumn } from './states.ts';
import { findState } from './states.ts';

/** More columns for the age of a row a person need not see. */
const MOST_AGES = 4;

/** A table that gets a pass, and by what its rows are judged. */
export interface Candidate {
  readonly table: KnownTable;
  readonly growth: string;
  readonly ages: readonly AgeCandidate[];
  readonly age: AgeCandidate;
  readonly state: StateColumn | undefined;
  /** Why its partitions are not dropped; undefined if it has none. */
  readonly undroppable: string | undefined;
  readonly dependents: readonly Dependent[];
}

type Judgement<Found> = Found | { readonly grows: boolean; readonly why: string };

/** Judges whether a table gets a pass, or says why not. */
export function judgeTable(
  table: KnownTable,
  dependents: Dependents,
  database: KnownDatabase,
): Judgement<Candidate | DroppableTable> {
  const { size } = table;
  if (size.partitionOf !== null) return { grows: false, why: 'its partitioned table is judged' };
  if (size.partitionedBy === null) return judgeByRows(table, dependents, database);
  const dropped = judgePartitioned(table, database);
  if ('by' in dropped) {
    const needed = describeAgelessParent(table, dropped.by.name, database) ?? findObjectionToDrop(table);
    return needed === undefined ? dropped : { grows: true, why: needed };
  }
  const byRows = judgeByRows(table, dependents, database);
  if ('age' in byRows) return { ...byRows, undroppable: dropped.why };
  // Nobody partitions a table by range that does not grow.
  return size.partitionedBy === 'range' ? { grows: true, why: `${dropped.why}; ${byRows.why}` } : byRows;
}

function judgeByRows(
  table: KnownTable,
  dependents: Dependents,
  database: KnownDatabase,
): Judgement<Candidate> {
  const { catalog, rows } = table;
  if (catalog.unsupported !== undefined) return { grows: false, why: `it ${catalog.unsupported.what}` };
  if (catalog.inherited && catalog.partitioning === undefined)
    return { grows: false, why: 'other tables inherit from it' };
  if (!catalog.may.select || catalog.hidden) {
    return { grows: true, why: 'the role may not read all of its rows' };
  }
  const refused = refuseByRows(table);
  if (refused !== undefined) return { grows: true, why: refused };
  const state = findState(table);
  const ages = listAges(table, state !== undefined);
  const growth = findGrowth(table, ages, database);
  if (growth === undefined) {
    return isNamedBesideEvents(table)
      ? {
          grows: true,
          why: 'its name says that its rows belong to things that happened, and may be of use for longer',
        }
      : { grows: false, why: `${countNouns(rows, 'row')}; nothing shows that it grows` };
  }
  const [age] = ages;
  if (age === undefined) return { grows: true, why: `${growth.why}, but no column says how old a row is` };
  const objection =
    (age.role === 'expiry' ? undefined : describeAgelessParent(table, age.column.name, database)) ??
    findObjection(table, growth, age, dependents, database);
  if (objection !== undefined) return { grows: true, why: `${growth.why}, but ${objection}` };
  return {
    table,
    growth: growth.why,
    ages: ages.slice(0, MOST_AGES),
    age,
    state,
    undroppable: undefined,
    dependents: dependents.list(table),
  };
}
