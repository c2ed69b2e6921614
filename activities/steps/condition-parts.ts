import type { PreviewedDelete, PreviewQuery } from '../dialect/preview.ts';
import type { Condition, Instant, View } from '../dialect/view.ts';
import type { ColumnName, Predicate } from '../stored/columns.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { StayReason } from '../stored/stay-reason.ts';

/** One part of what a pass asks of a row of its table. The row is deletable if all parts are true of it. */
export interface ConditionPart {
  /** Why the row stays if the part is not true. */
  readonly reason: StayReason;
  readonly test: Condition;
  /** The instant from which the part is true, if time alone decides. */
  readonly dueAt?: Instant;
  /** It is about rows that the database would forbid to delete, and not about what the pass asks. */
  readonly forbids?: true;
  /** The part with this reason is not true either then: this one only tells why. */
  readonly impliedBy?: StayReason;
}

/** Parts about one age with one horizon, and a filter. */
export function olderThanParts(
  { age, horizon, where }: { readonly age: ColumnName; readonly horizon: string; readonly where: Predicate },
  view: View,
): ConditionPart[] {
  return [
    { reason: 'filter-mismatch', test: view.matches(where) },
    { reason: 'no-age', test: view.hasAge([age]), impliedBy: 'too-young' },
    { reason: 'too-young', test: view.isOlder(age, horizon), dueAt: view.dueWhenOlder(age, horizon) },
  ];
}

/** So many rows that reference one another are followed for one row. A batch follows more, for all of its rows at once. */
const MAX_CHAIN = 300;

/**
 * Parts with those for rows that reference a row, or what is deleted along with it, by a foreign key that forbids the delete:
 * rows that the pass leaves, and rows that it may delete as well.
 */
export function withBlockers(parts: readonly ConditionPart[], tree: RowTree, view: View): ConditionPart[] {
  const free = view.isNotReferenced(tree);
  const known =
    free === undefined ? parts : [...parts, { reason: 'referenced', test: free, forbids: true } as const];
  const notChained = view.isNotChained(tree, joinParts(known, view), MAX_CHAIN);
  return notChained === undefined ? [...known] : [...known, { reason: 'chained', test: notChained }];
}

/** All parts as one condition, but for those with some reasons, or those about what the database forbids. */
export function joinParts(
  parts: readonly ConditionPart[],
  view: View,
  without: readonly (StayReason | 'forbidden')[] = [],
): Condition {
  return view.all(
    parts
      .filter(({ impliedBy }) => impliedBy === undefined)
      .filter(({ reason, forbids }) => !without.includes(forbids === true ? 'forbidden' : reason))
      .map(({ test }) => test),
  );
}

/** Nothing of these decides whether a row has an age that counts. */
const WITHOUT_AGE = ['too-young', 'nested', 'kept-newest', 'held', 'chained', 'forbidden'] as const;

/** The test for rows that would expire if they had an age; undefined if the parts ask for none. */
export function findUndated(parts: readonly ConditionPart[], view: View): Condition | undefined {
  const dated = parts.find(({ reason }) => reason === 'no-age');
  if (dated === undefined) return undefined;
  const mayExpire = parts.filter(({ reason }) => reason === 'kept-for-ever').map(({ test }) => test);
  return view.all([joinParts(parts, view, WITHOUT_AGE), ...mayExpire, view.not(dated.test)]);
}

/** The test for rows that reference; undefined if no foreign key forbids a delete. */
export function findNotReferenced(parts: readonly ConditionPart[]): Condition | undefined {
  return parts.find(({ forbids }) => forbids === true)?.test;
}

/** The part for holds on a row and on what is deleted along with it; empty if no hold is about their tables. */
export function heldPart(tree: RowTree, view: View): ConditionPart[] {
  const notHeld = view.isNotHeld(tree);
  return notHeld === undefined ? [] : [{ reason: 'held', test: notHeld }];
}

/** The test for holds among some parts; undefined if no hold is about the tables. */
export function findNotHeld(parts: readonly ConditionPart[]): Condition | undefined {
  return parts.find(({ reason }) => reason === 'held')?.test;
}

/** Adds the rows of which all parts are true to a preview, with what is deleted along with them. */
export function previewDelete(
  query: PreviewQuery,
  parts: readonly ConditionPart[],
  deleted: Omit<PreviewedDelete, 'where' | 'notHeld' | 'notReferenced' | 'undated'>,
): void {
  query.addDeleted({
    ...deleted,
    where: joinParts(parts, query.view, ['nested', 'held', 'forbidden']),
    notHeld: findNotHeld(parts),
    notReferenced: findNotReferenced(parts),
    undated: findUndated(parts, query.view),
  });
}
