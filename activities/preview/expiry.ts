import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import type { FrozenNesting } from '../plan/freeze-nesting.ts';
import { newestOf } from '../sql/kept.ts';
import { columnOf, tableOf } from '../sql/names.ts';
import { isExpired } from '../sql/retention.ts';
import { columnsForCascades, previewCascades } from './cascades.ts';
import { previewChildren } from './family.ts';
import type { PreviewScript } from './script.ts';
import { kept, placeAnd } from './script.ts';

/** Adds the rows that expire, level after level where they are nested, and what goes with them. */
export function previewExpiry(frozen: FrozenExpireRows, script: PreviewScript): void {
  const { table, nesting, key, children, cascades, files = [] } = frozen;
  const recorded = [...files, ...children.flatMap((child) => child.files ?? [])];
  script.recordFiles(recorded.map(({ root }) => root));
  const columns = [
    ...columnsForCascades(cascades, -1),
    ...(key === null ? [] : [key.name]),
    ...(nesting === null ? [] : (nesting.chain[0]?.on.map(({ parent }) => parent) ?? [nesting.references])),
  ];
  const rows = sql`select ${placeAnd('t', columns)} from ${script.table(table, 't')}`;
  const which = sql`${isExpired(frozen)} and ${isNotNewest(frozen, script)} and ${script.alive(table, 't')}`;
  const part = script.part((self) =>
    nesting === null
      ? sql`${rows} where ${which}`
      : sql`
          ${rows} where ${which} and ${columnOf('t', nesting.column)} is null
          union
          select ${placeAnd('t', columns)}
          from ${self} as d
          ${joinDown(nesting)}
          join ${script.table(table, 't')} on ${columnOf('t', nesting.column)} = ${lastOf(nesting)}
          where ${which}`,
  );
  const doomed = script.doom(table, part);
  previewCascades(script, cascades, table, doomed);
  if (key !== null) previewChildren(script, children, { ...doomed, key: key.name });
}

/** Over alias `t`: the row is none of the newest of its group, which stay. */
function isNotNewest({ keeps }: FrozenExpireRows, script: PreviewScript): RawBuilder<boolean> {
  if (keeps === undefined) return sql`true`;
  const newest = script.part(() => newestOf(keeps));
  return sql`not exists (select from ${sql.id(newest)} as newest where newest.place = t.ctid)`;
}

/** Joins from a row that goes, alias `d`, to the rows that name it: aliases `c0`, `c1`, ... */
function joinDown({ chain }: FrozenNesting): RawBuilder<unknown> {
  const joins = chain.map((step, n) => {
    const on = step.on.map(({ child, parent }) => {
      const above = n === 0 ? sql.id('d', kept(parent)) : sql.id(`c${n - 1}`, parent);
      return sql`${sql.id(`c${n}`, child)} = ${above}`;
    });
    return sql`join ${tableOf(step.table)} as ${sql.id(`c${n}`)} on ${sql.join(on, sql` and `)}`;
  });
  return sql.join(joins, sql` `);
}

function lastOf({ chain, references }: FrozenNesting): RawBuilder<unknown> {
  return chain.length === 0 ? sql.id('d', kept(references)) : sql.id(`c${chain.length - 1}`, references);
}
