import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/** How much waited for a pass before its run and after, and how fast it comes and goes. */
export class Backlogs extends Migration {
  override name = '006-backlogs';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    this.addSql(`alter table ${schema}.pass add column backlog jsonb`);
  }
}
