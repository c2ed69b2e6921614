import type { TestDatabase } from '../database.ts';
import type { TestFile } from '../sqlite.ts';

/** How SQLAlchemy stores a column of PostgreSQL in SQLite, by its type there. */
const AS_STORED: Readonly<Record<string, (column: string) => string>> = {
  'timestamp with time zone': (column) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`,
  boolean: (column) => `${column}::int`,
  interval: (column) => `to_char(timestamp '1970-01-01' + ${column}, 'YYYY-MM-DD HH24:MI:SS.US')`,
  integer: (column) => column,
  smallint: (column) => column,
  bigint: (column) => column,
  'double precision': (column) => column,
};

/** Copies all rows of a Prefect database into a SQLite file that Prefect's own migrations made. */
export async function copyToSqlite(from: TestDatabase, to: TestFile): Promise<void> {
  to.execute('pragma foreign_keys = off');
  const tables = to.rows<{ name: string }>(
    `select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite%'`,
  );
  for (const { name } of tables) {
    if (name === 'alembic_version') continue;
    const known = new Set(
      to.rows<{ name: string }>(`select name from pragma_table_info('${name}')`).map((row) => row.name),
    );
    const columns = await from.rows<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'`,
      [name],
    );
    const shared = columns.filter((column) => known.has(column.name));
    if (shared.length === 0) continue;
    const list = shared.map(({ name: column, type }) => {
      const quoted = `"${column}"`;
      return `${(AS_STORED[type] ?? ((own) => `${own}::text`))(quoted)} as ${quoted}`;
    });
    const rows = await from.rows(`select ${list.join(', ')} from "${name}"`);
    const names = shared.map((column) => `"${column.name}"`).join(', ');
    const marks = shared.map(() => '?').join(', ');
    to.execute('begin');
    to.execute(`delete from "${name}"`);
    for (const row of rows) {
      to.rows(
        `insert into "${name}" (${names}) values (${marks}) returning 1`,
        shared.map((column) => row[column.name] ?? null),
      );
    }
    to.execute('commit');
  }
  to.execute('pragma foreign_keys = on');
}
