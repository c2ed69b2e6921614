import type { Dependent } from './dependents.ts';
import { Dependents } from './dependents.ts';
import { describePass } from './describe-pass.ts';
import { EntityList } from './entity-list.ts';
import type { Candidate } from './judge-table.ts';
import { judgeTable } from './judge-table.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { describeOpenQuestions } from './open-questions.ts';
import type { DroppableTable } from './partitioned.ts';
import { describeDrops, describeRest, refuseByRows } from './partitioned.ts';
import type { LeftOut, Proposal, ProposedChild, ProposedPass } from './proposal.ts';
import { recogniseApplication } from './recognise-application.ts';
import { distinguish } from './words.ts';

/** Proposes passes for the tables that seem to grow without an end, and says why each other table has none. */
export function propose(database: KnownDatabase): Proposal {
  const entities = new EntityList();
  const dependents = new Dependents(database);
  const waived: LeftOut[] = [];
  const unsolved: LeftOut[] = [];
  const candidates: Candidate[] = [];
  const droppable: DroppableTable[] = [];
  const covered = new Map<KnownTable, KnownTable>();
  for (const table of database.tables) {
    const judged = judgeTable(table, dependents, database);
    if ('age' in judged) candidates.push(judged);
    else if ('by' in judged) droppable.push(judged);
    // Of a partition its table is asked whether a policy covers it.
    else if (table.size.partitionOf === null) {
      (judged.grows ? unsolved : waived).push({ table: table.catalog.label, why: judged.why });
    }
  }
  for (const { table } of candidates) coverDependents(table, table, covered, dependents);
  const own = candidates.filter(({ table }) => !covered.has(table));
  const passes = distinguishNames([
    ...sortChildrenFirst(own, dependents).flatMap((candidate) => [
      toPass(candidate, entities, dependents, database),
      ...listGoing(candidate, candidates, dependents).map((going) => ({
        ...toPass(going, entities, dependents, database),
        goesWith: candidate.table.catalog.label,
      })),
    ]),
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

/** Those whose rows all go with those of one, and have an age of their own. */
function listGoing(
  { table }: Candidate,
  candidates: readonly Candidate[],
  dependents: Dependents,
): Candidate[] {
  const going = new Set(
    dependents
      .list(table)
      .filter(goesAlong)
      .map((dependent) => dependent.table),
  );
  return candidates.filter((candidate) => candidate.table !== table && going.has(candidate.table));
}

function goesAlong({ required, tie }: Dependent): boolean {
  return required && (tie === 'cascade' || tie === 'child');
}

/** Tables whose rows all go with those of another: they need no pass of their own. */
function coverDependents(
  table: KnownTable,
  root: KnownTable,
  covered: Map<KnownTable, KnownTable>,
  dependents: Dependents,
): void {
  for (const { table: other } of dependents.list(table).filter(goesAlong)) {
    if (other === root || covered.has(other)) continue;
    covered.set(other, root);
    coverDependents(other, root, covered, dependents);
  }
}

/** Rows that reference others go before those. */
function sortChildrenFirst(candidates: readonly Candidate[], dependents: Dependents): Candidate[] {
  const sorted = new Set<Candidate>();
  const byTable = new Map(candidates.map((candidate) => [candidate.table, candidate]));
  const visit = (candidate: Candidate, path: readonly Candidate[]): void => {
    if (sorted.has(candidate) || path.includes(candidate)) return;
    for (const { table } of dependents.list(candidate.table)) {
      const child = byTable.get(table);
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

function toPass(
  candidate: Candidate,
  entities: EntityList,
  dependents: Dependents,
  database: KnownDatabase,
): ProposedPass {
  const { table, ages, age, state, undroppable } = candidate;
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
    children: listChildren([table], entities, dependents),
    goesWith: null,
    comments: [
      ...describePass(candidate),
      ...(undroppable === undefined ? [] : [`Rows are deleted one by one, since it is ${undroppable}.`]),
      ...describeOpenQuestions(table, age, state, database),
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
    goesWith: null,
    comments: describeDrops(droppable, database),
  };
  if (refuseByRows(table) !== undefined) return [drop];
  const name = namePass(`rest-of-${table.catalog.label}`);
  return [drop, { ...drop, drops: false, name, comments: describeRest(droppable) }];
}

/** Rows that must be deleted before those that they reference, at any depth. */
function listChildren(
  path: readonly KnownTable[],
  entities: EntityList,
  dependents: Dependents,
): ProposedChild[] {
  const [parent] = path;
  if (parent === undefined) return [];
  return dependents
    .list(parent)
    .filter(
      ({ table, tie }) =>
        (tie === 'child' || (tie === 'guess' && path.length === 1)) && !path.includes(table),
    )
    .map(({ table, column, tie }) => ({
      entity: entities.nameEntity(table),
      by: entities.nameProperty(table, column),
      guess: tie === 'guess',
      children: tie === 'guess' ? [] : listChildren([table, ...path], entities, dependents),
    }));
}
