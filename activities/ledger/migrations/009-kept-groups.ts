import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/**
 * The newest rows that a pass keeps, a row a group: their keys; and, as it was when the run began, where each lay, the file of
 * the table and the oldest transaction that was open. A run that is open at the upgrade finds no list: nothing of what it
 * would keep some of goes any more, until the next run.
 */
export class KeptGroups extends Migration {
  override name = '009-kept-groups';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    this.addSql(`drop table ${schema}.kept`);
    this.addSql(`
      create table ${schema}.kept (
        run_id integer not null,
        pass integer not null,
        entry integer not null,
        grp text collate "C" not null,
        keys text[] not null,
        places tid[] not null,
        file oid not null,
        before xid8 not null,
        primary key (run_id, pass, entry, grp)
      )`);
  }
}
