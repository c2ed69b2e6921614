import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import { pathsOf } from '../plan/freeze-family.ts';
import type { FrozenNesting } from '../plan/freeze-nesting.ts';
import { unheld } from '../sql/free.ts';
import { entryOf, groupOf, newestOf } from '../sql/kept.ts';
import { columnOf, tableOf } from '../sql/names.ts';
import { ageOf, isExpired, whichever } from '../sql/retention.ts';
import { columnsForCascades } from './cascades.ts';
import { previewBelonging } from './family.ts';
import type { PreviewScript } from './script.ts';
import { kept, placeAnd } from './script.ts';

/** Adds the rows that expire, level after level where they are nested, and what goes with them. */
export function previewExpiry(frozen: FrozenExpireRows, script: PreviewScript): void {
  const { table, nesting, key, children, cascades, files = [] } = frozen;
  script.recordFiles([...files, ...children.flatMap(pathsOf)].map(({ root }) => root));
  const columns = [
    ...columnsForCascades(cascades, -1),
    ...(key === null ? [] : [key.name]),
    ...(nesting === null ? [] : (nesting.chain[0]?.on.map(({ parent }) => parent) ?? [nesting.references])),
  ];
  const age = ageOf('t', frozen.ages);
  const all = sql<boolean>`${isExpired(frozen)} and ${isNotNewest(frozen, script)} and ${script.alive(table, 't')}`;
  const free = script.free(frozen);
  const going = sql`${placeAnd('t', columns)}, ${age} as age`;
  const part = script.part((self) => levels(frozen, script, self, going, unheld(all, free)));
  if (free !== undefined) {
    const held = sql<boolean>`${all} and not ${free}`;
    // Of the first level, and below those that go.
    const rest = script.part(() => levels(frozen, script, sql.id(part), placeAnd('t', []), held));
    script.count(table.label, 'held', rest);
  }
  const doomed = script.doom(table, part);
  script.range(table.label, part);
  previewBelonging(script, { table, cascades, ...(key === null ? {} : { own: { key, children } }) }, doomed);
}

/** A select of some rows, alias `t`; where they are nested, of the first level and of those below the rows of a part. */
function levels(
  { table, nesting }: FrozenExpireRows,
  script: PreviewScript,
  above: RawBuilder<unknown>,
  columns: RawBuilder<unknown>,
  which: RawBuilder<boolean>,
): RawBuilder<unknown> {
  const rows = script.table(table, 't');
  if (nesting === null) return sql`select ${columns} from ${rows} where ${which}`;
  const outer = columnOf('t', nesting.column);
  return sql`
    select ${columns} from ${rows} where ${which} and ${outer} is null
    union
    select ${columns}
    from ${above} as d
    ${joinDown(nesting)}
    join ${rows} on ${outer} = ${lastOf(nesting)}
    where ${which}`;
}

/**
 * Over alias `t`: the row is none of the newest of its group, which stay; and earlier passes take none of these, or the
 * group is left alone.
 */
function isNotNewest({ keeps }: FrozenExpireRows, script: PreviewScript): RawBuilder<boolean> {
  if (keeps === undefined) return sql`true`;
  const { table, retentions } = keeps;
  const newest = script.part(() => newestOf(keeps));
  const full = script.part(
    () => sql`
      select newest.entry, newest.grp, count(*) as rows
      from ${sql.id(newest)} as newest
      join ${tableOf(table)} as k on k.ctid = newest.place
      where ${script.alive(table, 'k')}
      group by newest.entry, newest.grp`,
  );
  const count = whichever(retentions, ({ keep }) => sql`${keep?.count ?? 0}::int`);
  return sql`not exists (select from ${sql.id(newest)} as newest where newest.place = t.ctid)
    and (${count} = 0 or exists (
      select from ${sql.id(full)} as f
      where f.entry = ${entryOf(retentions)} and f.grp = ${groupOf(retentions)} and f.rows >= ${count}
    ))`;
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
