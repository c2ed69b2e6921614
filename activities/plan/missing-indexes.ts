import type { Advice } from '../dialect/advice.ts';
import type { Catalog } from '../dialect/catalog.ts';
import { hasIndexOn } from '../resolve/scan-choice.ts';
import type { Note } from '../stored/report.ts';
import type { ResolvedPass } from './resolved-pass.ts';

/** A smaller table is read as fast as an index on it, in pages. */
const SMALL_PAGES = 128;

/** Notes for a run: foreign keys without an index, which make the delete of each row read a whole table. */
export function noteMissingIndexes(
  passes: readonly ResolvedPass[],
  catalog: Catalog,
  advice: Pick<Advice, 'suggestIndex'>,
): Note[] {
  return passes.flatMap(({ pass, stored }) => {
    const deleted = new Set(stored.counted.map((table) => catalog.named(table)?.id));
    return catalog.foreignKeys.flatMap((key): Note[] => {
      if (!deleted.has(key.parent) || !catalog.has(key.child)) return [];
      const child = catalog.get(key.child);
      const [name = ''] = key.childColumns;
      const column = child.columns.get(name);
      if (column === undefined || child.pages < SMALL_PAGES || hasIndexOn(child, column)) return [];
      return [
        {
          what: `pass ${pass.name} is slow: each row that it deletes makes the database read a whole table, since a foreign key has no index`,
          here: `foreign key ${key.name} of table ${child.label}; ${advice.suggestIndex(child, name)}`,
        },
      ];
    });
  });
}
