import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import { quoteIdentifier } from './identifiers.ts';

/** Makes the trigger that counts deleted rows of a table, if it is not there. Inside of a trigger no value can be bound. */
export function countDeletes({ name, label }: TableName): RawBuilder<unknown> {
  const text = `'${label.replaceAll("'", "''")}'`;
  return sql.raw(`
    create temp trigger if not exists ${quoteIdentifier(`_vacuum_count_${name}`)}
    after delete on main.${quoteIdentifier(name)}
    begin
      insert into _vacuum_deleted (label, rows) values (${text}, 1)
      on conflict (label) do update set rows = rows + 1;
    end`);
}
