import { countNouns } from '../../../policy/count-nouns.ts';
import type { AgeCandidate } from './ages.ts';
import { listAges } from './ages.ts';
import type { Dependent } from './dependents.ts';
import { listDependents } from './dependents.ts';
import { describePass } from './describe-pass.ts';
import { EntityList } from './entity-list.ts';
import { findGrowth } from './growth.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { describeOpenQuestions } from './open-questions.ts';
import { describeAgelessParent } from './parents.ts';
import type { DroppableTable } from './partitioned.ts';
import { describeDrops, describeRest, judgePartitioned, refuseByRows } from './partitioned.ts';
import type { LeftOut, Proposal, ProposedChild, ProposedPass, Application } from './proposal.ts';
import type { StateColumn } from './states.ts';
import { findState } from './states.ts';
import { distinguish } from './words.ts';

/** More columns for the age of a row a person need not see. */
const MOST_AGES = 4;

/** A table that gets a pass, and by what its rows are judged. */
interface Candidate {
  readonly table: KnownTable;
  readonly growth: string;
  readonly ages: readonly AgeCandidate[];
  readonly age: AgeCandidate;
  readonly state: StateColumn | undefined;
  /** Why its partitions are not dropped; undefined if it has none. */
  readonly undroppable: string | undefined;
  readonly dependents: readonly Dependent[];
}

/** Proposes passes for the tables that seem to grow without an end, and says why each other table has none. */
export function propose(database: KnownDatabase): Proposal {
  const entities = new EntityList();
  const waived: LeftOut[] = [];
  const unsolved: LeftOut[] = [];
  const candidates: Candidate[] = [];
  const droppable: DroppableTable[] = [];
  const covered = new Map<KnownTable, KnownTable>();
  for (const table of database.tables) {
    const judged = judgeTable(table, database);
    if ('age' in judged) candidates.push(judged);
    else if ('by' in judged) droppable.push(judged);
    // Of a partition its table is asked whether a policy covers it.
    else if (table.size.partitionOf === null) {
      (judged.grows ? unsolved : waived).push({ table: table.catalog.label, why: judged.why });
    }
  }
  for (const { table } of candidates) coverDependents(table, table, covered, database);
  const own = candidates.filter(({ table }) => !covered.has(table));
  const passes = distinguishNames([
    ...sortChildrenFirst(own, database).map((candidate) => toPass(candidate, entities, database)),
    // Rows that reference them are deleted before.
    ...droppable.flatMap((table) => toDrops(table, entities, database)),
  ]);
  const isOpen = ({ table: label }: LeftOut): boolean =>
    ![...covered.keys()].some(({ catalog }) => catalog.label === label);
  return {
    application: recogniseApplication(database),
    entities: entities.list(),
    passes,
    waived: waived.filter(isOpen),
    unsolved: unsolved.filter(isOpen),
  };
}

type Judgement<Found> = Found | { readonly grows: boolean; readonly why: string };

function judgeTable(table: KnownTable, database: KnownDatabase): Judgement<Candidate | DroppableTable> {
  const { size } = table;
  if (size.partitionOf !== null) return { grows: false, why: 'its partitioned table is judged' };
  if (size.partitionedBy === null) return judgeByRows(table, database);
  const dropped = judgePartitioned(table, database);
  if ('by' in dropped) {
    const needed = describeAgelessParent(table, dropped.by.name, database);
    return needed === undefined ? dropped : { grows: true, why: needed };
  }
  const byRows = judgeByRows(table, database);
  if ('age' in byRows) return { ...byRows, undroppable: dropped.why };
  // Nobody partitions a table by range that does not grow.
  return size.partitionedBy === 'range' ? { grows: true, why: `${dropped.why}; ${byRows.why}` } : byRows;
}

function judgeByRows(table: KnownTable, database: KnownDatabase): Judgement<Candidate> {
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
  if (growth === undefined)
    return { grows: false, why: `${countNouns(rows, 'row')}; nothing shows that it grows` };
  const [age] = ages;
  if (age === undefined) return { grows: true, why: `${growth}, but no column says how old a row is` };
  const needed = age.role === 'expiry' ? undefined : describeAgelessParent(table, age.column.name, database);
  if (needed !== undefined) return { grows: true, why: `${growth}, but ${needed}` };
  const dependents = listDependents(table, database);
  return { table, growth, ages: ages.slice(0, MOST_AGES), age, state, undroppable: undefined, dependents };
}

/** Tables whose rows all go with those of another: they need no pass of their own. */
function coverDependents(
  table: KnownTable,
  root: KnownTable,
  covered: Map<KnownTable, KnownTable>,
  database: KnownDatabase,
): void {
  for (const { table: other, required, tie } of listDependents(table, database)) {
    if (!required || (tie !== 'cascade' && tie !== 'child') || other === root || covered.has(other)) continue;
    covered.set(other, root);
    coverDependents(other, root, covered, database);
  }
}

/** Rows that reference others go before those. */
function sortChildrenFirst(candidates: readonly Candidate[], database: KnownDatabase): Candidate[] {
  const sorted = new Set<Candidate>();
  const visit = (candidate: Candidate, path: readonly Candidate[]): void => {
    if (path.includes(candidate)) return;
    for (const { table } of listDependents(candidate.table, database)) {
      const child = candidates.find((other) => other.table === table);
      if (child !== undefined) visit(child, [...path, candidate]);
    }
    sorted.add(candidate);
  };
  for (const candidate of candidates) visit(candidate, []);
  return [...sorted];
}

/** Names of passes have at most 63 characters; what is cut off leaves room for a number. */
const LONGEST_NAME = 60;

/** The name of a table as a pass may have it: lower-case letters, digits and dashes. */
function namePass(label: string): string {
  const name = label.toLowerCase().replaceAll(/[^a-z\d]+/g, '-');
  return name.slice(0, LONGEST_NAME).replaceAll(/^-+|-+$/g, '') || 'pass';
}

function distinguishNames(passes: readonly ProposedPass[]): ProposedPass[] {
  const taken: string[] = [];
  return passes.map((pass) => {
    const name = distinguish(pass.name, taken, '-');
    taken.push(name);
    return { ...pass, name };
  });
}

function toPass(candidate: Candidate, entities: EntityList, database: KnownDatabase): ProposedPass {
  const { table, ages, age, state, dependents, undroppable } = candidate;
  const entity = entities.nameEntity(table);
  // So that another age is another word in the pass, and nothing else.
  for (const { column } of ages) entities.nameProperty(table, column.name);
  return {
    drops: false,
    name: namePass(table.catalog.label),
    entity,
    age: entities.nameProperty(table, age.column.name),
    unit: age.unit,
    olderThan: age.role === 'expiry' ? '1 day' : '90 days',
    states:
      state === undefined
        ? null
        : { property: entities.nameProperty(table, state.column.name), values: state.final },
    children: listChildren(dependents, [table], entities, database),
    comments: [
      ...describePass(candidate),
      ...(undroppable === undefined ? [] : [`Rows are deleted one by one, since it is ${undroppable}.`]),
      ...describeOpenQuestions(table, state, database),
    ],
  };
}

/** Drops old partitions, and then deletes old rows of the others if that is possible. */
function toDrops(droppable: DroppableTable, entities: EntityList, database: KnownDatabase): ProposedPass[] {
  const { table, by } = droppable;
  const drop: ProposedPass = {
    drops: true,
    name: namePass(table.catalog.label),
    entity: entities.nameEntity(table),
    age: entities.nameProperty(table, by.name),
    unit: null,
    olderThan: '90 days',
    states: null,
    children: [],
    comments: describeDrops(droppable, database),
  };
  if (refuseByRows(table) !== undefined) return [drop];
  const name = namePass(`rest-of-${table.catalog.label}`);
  return [drop, { ...drop, drops: false, name, comments: describeRest(droppable) }];
}

/** Rows that must be deleted before those that they reference, at any depth. */
function listChildren(
  dependents: readonly Dependent[],
  path: readonly KnownTable[],
  entities: EntityList,
  database: KnownDatabase,
): ProposedChild[] {
  return dependents
    .filter(
      ({ table, tie }) =>
        (tie === 'child' || (tie === 'guess' && path.length === 1)) && !path.includes(table),
    )
    .map(({ table, column, tie }) => ({
      entity: entities.nameEntity(table),
      by: entities.nameProperty(table, column),
      guess: tie === 'guess',
      children:
        tie === 'guess'
          ? []
          : listChildren(listDependents(table, database), [...path, table], entities, database),
    }));
}

/** Tables that only a database of the application has. */
const TABLES: Readonly<Record<Application, readonly string[]>> = {
  prefect: ['flow_run', 'flow_run_state', 'task_run', 'task_run_state', 'work_queue'],
  django: ['django_migrations', 'django_content_type'],
};

/** The application that a database belongs to, by its tables; null if it is none that is known. */
function recogniseApplication({ tables }: Pick<KnownDatabase, 'tables'>): Application | null {
  const names = new Set(tables.map(({ catalog }) => catalog.name));
  const known = Object.entries(TABLES) as [Application, readonly string[]][];
  return known.find(([, wanted]) => wanted.every((name) => names.has(name)))?.[0] ?? null;
}
