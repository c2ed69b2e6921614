import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import { pathsOf } from '../plan/freeze-family.ts';
import type { FrozenNesting } from '../plan/freeze-nesting.ts';
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
  const rows = sql`select ${placeAnd('t', columns)}, ${age} as age from ${script.table(table, 't')}`;
  const all = sql`${isExpired(frozen)} and ${isNotNewest(frozen, script)} and ${script.alive(table, 't')}`;
  const free = script.free(frozen);
  const which = sql`${all} and ${free ?? sql`true`}`;
  const part = script.part((self) =>
    nesting === null
      ? sql`${rows} where ${which}`
      : sql`
          ${rows} where ${which} and ${columnOf('t', nesting.column)} is null
          union
          select ${placeAnd('t', columns)}, ${age}
          from ${self} as d
          ${joinDown(nesting)}
          join ${script.table(table, 't')} on ${columnOf('t', nesting.column)} = ${lastOf(nesting)}
          where ${which}`,
  );
  if (free !== undefined) countHeld(frozen, script, part, sql`${all} and not ${free}`);
  const doomed = script.doom(table, part);
  script.range(table.label, part);
  previewBelonging(script, { table, cascades, ...(key === null ? {} : { own: { key, children } }) }, doomed);
}

/** Counts the rows that only holds keep: of the first level, and below those that go. */
function countHeld(
  { table, nesting }: FrozenExpireRows,
  script: PreviewScript,
  going: string,
  held: RawBuilder<unknown>,
): void {
  const top = sql`
    select t.ctid as place
    from ${script.table(table, 't')}
    where ${held} and ${nesting === null ? sql`true` : sql`${columnOf('t', nesting.column)} is null`}`;
  const part = script.part(() =>
    nesting === null
      ? top
      : sql`
          ${top}
          union
          select t.ctid
          from ${sql.id(going)} as d
          ${joinDown(nesting)}
          join ${script.table(table, 't')} on ${columnOf('t', nesting.column)} = ${lastOf(nesting)}
          where ${held}`,
  );
  script.count(table.label, 'held', part);
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
