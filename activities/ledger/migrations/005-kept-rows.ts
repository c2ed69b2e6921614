import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/** The newest rows of each group that a pass of an open run keeps. They are forgotten when the run ends. */
export class KeptRows extends Migration {
  override name = '005-kept-rows';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    this.addSql(`
      create table ${schema}.kept (
        run_id integer not null,
        pass integer not null,
        entry integer not null,
        grp text not null,
        key text not null,
        primary key (run_id, pass, key)
      )`);
    this.addSql(`create index kept_group on ${schema}.kept (run_id, pass, entry, grp)`);
  }
}
