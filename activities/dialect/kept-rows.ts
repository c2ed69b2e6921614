import type { Watched } from '../stored/row-tree.ts';

/** A trigger kept rows that a statement should have deleted, or what references them. What was done must be undone. */
export class RowsKept extends Error {
  override readonly name = 'RowsKept';
  /** The triggers that may have done it, as the end of a sentence; empty if whoever threw it does not know them. */
  readonly names: string;

  constructor(names: string) {
    super('a trigger kept rows that should have been deleted');
    this.names = names;
  }
}

/** All triggers that may keep rows of a pass, or of what is deleted along. */
export function listTriggers({ triggers, links }: Watched): string {
  return [...new Set([...triggers, ...links.flatMap((link) => link.triggers)])].join(', ');
}
