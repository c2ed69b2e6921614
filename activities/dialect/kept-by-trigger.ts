import type { Watched } from '../stored/row-tree.ts';

/** A trigger kept rows that a statement should have deleted, or what references them. What was done must be undone. */
export class RowsKeptByTrigger extends Error {
  override readonly name = 'RowsKeptByTrigger';
  /** The triggers that may have done it, as the end of a sentence; empty if whoever threw it does not know them. */
  readonly names: string;
  /** Why, about several rows. */
  readonly meaning: string;

  constructor(
    names: string,
    meaning = 'a trigger keeps them, or what would be deleted or set to null with them',
  ) {
    super('a trigger kept rows that should have been deleted');
    this.names = names;
    this.meaning = meaning;
  }
}

/** All triggers that may keep rows of a pass, or of what is deleted along, or write them. */
export function listTriggers({ triggers, links, writers = [] }: Watched): string {
  return [...new Set([...triggers, ...links.flatMap((link) => link.triggers), ...writers])].join(', ');
}
