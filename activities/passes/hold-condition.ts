import type { Condition, View } from '../dialect/view.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { ConditionPart } from './condition.ts';

/** The part for holds on a row and on what is deleted along with it; empty if no hold is about their tables. */
export function heldPart(tree: RowTree, view: View): ConditionPart[] {
  const notHeld = view.isNotHeld(tree);
  return notHeld === undefined ? [] : [{ reason: 'held', test: notHeld }];
}

/** The test for holds among some parts; undefined if no hold is about the tables. */
export function findNotHeld(parts: readonly ConditionPart[]): Condition | undefined {
  return parts.find(({ reason }) => reason === 'held')?.test;
}
