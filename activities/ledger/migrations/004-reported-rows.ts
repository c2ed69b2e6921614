import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/** What passes found and left: how many rows, how old the oldest is, how many were resolved, and why not the others. */
export class ReportedRowsOfPasses extends Migration {
  override name = '004-reported-rows';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    for (const table of ['pass', 'batch']) this.addSql(`alter table ${schema}.${table} add reported jsonb`);
  }
}
