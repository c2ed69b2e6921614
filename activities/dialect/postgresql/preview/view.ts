import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../../stored/expiry.ts';
import type { ParentReference, RowTree, StoredPointer, StoredReference } from '../../../stored/row-tree.ts';
import { blockingRows, listOuter } from '../../blockers.ts';
import { caseByRetention } from '../../case-by-retention.ts';
import { toCondition } from '../../condition.ts';
import { references } from '../../join-path.ts';
import type { Condition, ViewOptions } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { columnRef, tableRef } from '../identifiers.ts';
import { groupKey, retentionIndex, selectNewest } from '../keep-last.ts';
import { LiveView } from '../view.ts';
import { isStalePointer } from './repair.ts';
import type { PreviewStatement } from './statement.ts';

/** The tables without the rows that passes delete which were added to a preview before. */
export class PreviewView extends LiveView {
  readonly #statement: PreviewStatement;

  constructor(connection: Connection, options: ViewOptions, statement: PreviewStatement) {
    super(connection, options);
    this.#statement = statement;
  }

  override hasNoParent({ by, parent, parentKey }: ParentReference): Condition {
    return toCondition(sql`not exists (
      select from ${tableRef(parent)} as parent
      where
        ${columnRef('parent', parentKey)} = ${columnRef('t', by)}
        and ${this.#statement.isNotDeletedYet(parent, 'parent')}
    )`);
  }

  override isUnreferenced(stored: readonly StoredReference[]): Condition {
    const checks = stored.map(
      ({ table, ...link }) => sql`not exists (
        select from ${this.#statement.tableBefore(table, 'c')}
        where ${references('c', 't', link)} and ${this.#statement.isNotDeletedYet(table, 'c')}
      )`,
    );
    return toCondition(sql`(${sql.join(checks, sql` and `)})`);
  }

  override isNotReferenced(tree: RowTree): Condition | undefined {
    const blockers = listOuter(tree);
    if (blockers.length === 0) return undefined;
    const checks = blockers.map((blocker) => {
      const { table } = blocker.reference;
      const { from, where } = blockingRows(
        blocker,
        (of, alias) => sql`${tableRef(of)} as ${sql.id(alias)}`,
        (of, alias) => this.#statement.tableBefore(of, alias),
      );
      return sql`not exists (
        select from ${from} where ${where} and ${this.#statement.isNotDeletedYet(table, 'b')}
      )`;
    });
    return toCondition(sql`(${sql.join(checks, sql` and `)})`);
  }

  /** Rows of the pass itself are judged all at once: see `addDeleted`. */
  override isNotChained(): undefined {
    return undefined;
  }

  /** Nothing of a group is deleted either if earlier passes delete some of its newest rows. */
  override isNotKept(expiry: KeepLastExpiry): Condition {
    const { table, key, retentions } = expiry;
    if (key === null) return toCondition(sql`true`);
    const newest = this.#statement.addCte(() => selectNewest(expiry));
    const groups = this.#statement.addCte(
      () => sql`
        select newest.retention_index, newest.group_key, count(*) as rows
        from ${sql.id(newest)} as newest
        join ${tableRef(table)} as k on k.ctid = newest.location
        where ${this.#statement.isNotDeletedYet(table, 'k')}
        group by newest.retention_index, newest.group_key`,
    );
    const count = caseByRetention(retentions, ({ keep }) => sql`${keep?.count ?? 0}::int`);
    return toCondition(sql`(
      not exists (select from ${sql.id(newest)} as newest where newest.location = t.ctid)
      and (${count} = 0 or exists (
        select from ${sql.id(groups)} as g
        where g.retention_index = ${retentionIndex(retentions)} and g.group_key = ${groupKey(retentions)} and g.rows >= ${count}
      ))
    )`);
  }

  /** Earlier passes may have moved the pointer. */
  override isStale(pointer: StoredPointer): Condition {
    const moved = this.#statement.findPointers(pointer);
    const check = (value: RawBuilder<unknown>, group: RawBuilder<unknown>): RawBuilder<boolean> =>
      isStalePointer(this.#statement, pointer, value, group);
    if (moved === undefined) {
      return toCondition(check(columnRef('t', pointer.pointer), columnRef('t', pointer.holderGroup)));
    }
    return toCondition(sql`exists (
      select from ${sql.id(moved)} as c
      where c.location = t.ctid and ${check(sql`c.pointer_value`, sql`c.group_value`)}
    )`);
  }

  override hasNoSurvivor({ holderGroup, target, targetGroup }: StoredPointer): Condition {
    return toCondition(sql`not exists (
      select from ${tableRef(target)} as survivor
      where
        ${columnRef('survivor', targetGroup)} = ${columnRef('t', holderGroup)}
        and ${this.#statement.isNotDeletedYet(target, 'survivor')}
    )`);
  }
}
