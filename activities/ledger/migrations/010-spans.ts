import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/** From when to when the rows are that a pass took from its own table. */
export class Spans extends Migration {
  override name = '010-spans';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    for (const table of ['batch', 'pass']) {
      this.addSql(`
        alter table ${schema}.${table}
          add column oldest timestamptz,
          add column newest timestamptz,
          add column sampled boolean not null default false`);
    }
  }
}
