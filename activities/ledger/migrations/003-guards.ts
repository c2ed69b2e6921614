import { Migration } from '@mikro-orm/migrations';

import { quoteIdentifier } from '../../sql/names.ts';

/** What guards remember of a policy, and the settings that a pass was previewed and run with. */
export class Guards extends Migration {
  override name = '003-guards';

  override up(): void {
    const schema = quoteIdentifier(String(this.config.get('schema')));
    this.addSql(`alter table ${schema}.pass add column settings_hash text`);
    this.addSql(`
      create table ${schema}.guard (
        policy text primary key,
        system_identifier text,
        database_oid text,
        tables jsonb not null default '{}',
        known_run integer not null default 0,
        disarmed jsonb,
        disarmed_at timestamptz
      )`);
  }
}
