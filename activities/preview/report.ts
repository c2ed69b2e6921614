import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenReportRows } from '../passes/report-rows.ts';
import { columnOf } from '../sql/names.ts';
import { oldestOf } from '../sql/span.ts';
import type { PreviewScript } from './script.ts';

/** Adds how many rows would be reported, and how old the oldest is. They stay, so that later passes meet them. */
export function previewReport(
  { table, age }: FrozenReportRows,
  found: RawBuilder<boolean>,
  script: PreviewScript,
): void {
  const part = script.part(
    () => sql`
      select ${columnOf('t', age)} as age
      from ${script.table(table, 't')}
      where ${found} and ${script.alive(table, 't')}`,
  );
  script.count(table.label, 'found', part);
  script.measure(table.label, 'oldest', sql`(select ${oldestOf('r')} from ${sql.id(part)} as r)`);
}
