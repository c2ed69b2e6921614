import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/**
 * Where all rows lie that a pass keeps, for passes that keep few enough to look at all of them in each batch: ranges of pages
 * where they lie dense, how many old rows those have, and the places of the others.
 */
export class KeptWhole extends Migration {
  override name = '011-kept-whole';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    this.addSql(`
      create table ${schema}.kept_whole (
        run_id integer not null,
        pass integer not null,
        froms tid[] not null,
        untils tid[] not null,
        rows bigint not null,
        places tid[] not null,
        file oid not null,
        before xid8 not null,
        primary key (run_id, pass)
      )`);
  }
}
