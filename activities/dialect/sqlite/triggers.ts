import { sql } from 'kysely';

import type { CatalogColumn, CatalogTable } from '../catalog.ts';
import { readRoutineText, withJoinedWords } from '../routine-text.ts';
import type { Connection } from './connection.ts';
import type { ListedTable } from './listed-tables.ts';
import { SCHEMA } from './listed-tables.ts';

/** A trigger by its text. */
interface ListedTrigger {
  readonly name: string;
  /** In lower case. */
  readonly table: string;
  /** What it fires on. */
  readonly head: string;
  readonly body: string;
}

/**
 * The triggers of a table that may keep a row as it is, since they say `raise(ignore)`, those that may raise an error, and what
 * they write, with the triggers of the tables that they write.
 */
export async function readTriggers(
  connection: Connection,
  table: string,
  known: ReadonlyMap<string, ListedTable>,
): Promise<Required<Pick<CatalogTable, 'keepingTriggers' | 'refusingTriggers' | 'writers'>>> {
  const all = await listTriggers(connection);
  const own = all.filter((trigger) => trigger.table === table.toLowerCase());
  if (own.length === 0) return { keepingTriggers: [], refusingTriggers: [], writers: [] };
  const updates = await listUpdatedAlong(connection);
  const replacing = await listReplacing(connection);
  const triggers = own.flatMap((trigger) => {
    const { bodies, tables } = followWrites(trigger, all, updates);
    return (['delete', 'update'] as const)
      .filter((on) => new RegExp(`\\b${on}\\b`, 'i').test(trigger.head))
      .map((on) => ({ name: trigger.name, on, body: trigger.body, bodies, tables }));
  });
  return {
    keepingTriggers: triggers
      .filter(({ body }) => /\braise\s*\(\s*ignore/i.test(body))
      .map(({ name, on }) => ({ name, on, columns: null })),
    refusingTriggers: triggers
      .filter(({ bodies }) => /\braise\s*\(\s*(?:abort|fail|rollback)/i.test(bodies))
      .map(({ name, on }) => ({ name, on })),
    writers: triggers.map(({ name, on, bodies, tables }) => {
      // A name that is none of a table is the rest of a statement: `on conflict do update set`.
      const written = tables.flatMap((lower) => known.get(lower)?.name ?? []);
      const reached = written.map((label) => ({ schema: SCHEMA, name: label, label }));
      const reach = { tables: reached, routines: [], firesLate: false };
      const deletes = readRoutineText(bodies).deletes || tables.some((lower) => replacing.has(lower));
      return { name, on, deletes, writes: written, reach };
    }),
  };
}

/** What a trigger does and the triggers of the tables that it writes, and so on, with the names of those tables. */
function followWrites(
  trigger: ListedTrigger,
  all: readonly ListedTrigger[],
  updates: readonly UpdatedAlong[],
): { readonly bodies: string; readonly tables: readonly string[] } {
  const bodies = [trigger.body];
  const written = new Set<string>();
  for (const body of bodies) {
    const before = new Set(written);
    for (const { name } of readRoutineText(body).writes) written.add(name.toLowerCase());
    for (const name of written)
      for (const { parent, child } of updates) if (parent === name) written.add(child);
    const added = new Set([...written].filter((name) => !before.has(name)));
    bodies.push(
      ...all
        .filter(({ table, head }) => added.has(table) && /\b(?:insert|update)\b/i.test(head))
        .map((other) => other.body),
    );
  }
  return { bodies: bodies.join('\n'), tables: [...written] };
}

/** A table whose rows a foreign key updates if those of another are; both in lower case. */
interface UpdatedAlong {
  readonly parent: string;
  readonly child: string;
}

async function listUpdatedAlong(connection: Connection): Promise<readonly UpdatedAlong[]> {
  const { rows } = await connection.run(sql<UpdatedAlong>`
    select lower(f."table") as parent, lower(m.name) as child
    from main.sqlite_schema as m
    join pragma_foreign_key_list(m.name) as f on f.on_update not in ('NO ACTION', 'RESTRICT')
    where m.type = 'table'`);
  return rows;
}

/** Tables, in lower case, of which a new row may delete another one: their text says `on conflict replace`. */
async function listReplacing(connection: Connection): Promise<ReadonlySet<string>> {
  const { rows } = await connection.run(sql<{ name: string; text: string }>`
    select lower(name) as name, sql as text from main.sqlite_schema where type = 'table' and sql like '%replace%'`);
  const replaces = /\bon\s+conflict\s+replace\b/i;
  return new Set(rows.filter(({ text }) => replaces.test(withJoinedWords(text))).map(({ name }) => name));
}

async function listTriggers(connection: Connection): Promise<ListedTrigger[]> {
  const { rows } = await connection.run(sql<{ name: string; table: string; text: string }>`
    select name, tbl_name as "table", sql as text from main.sqlite_schema where type = 'trigger' order by name`);
  return rows.map(({ name, table, text }) => {
    const [head = ''] = text.split(/\bbegin\b/i);
    return { name, table: table.toLowerCase(), head, body: text.slice(head.length) };
  });
}
/** The columns that stand after the word `check` in the statement that makes a table: all that a check can be about. */
export async function readChecked(
  connection: Connection,
  table: string,
  columns: readonly CatalogColumn[],
): Promise<string[]> {
  const { rows } = await connection.run(sql<{ text: string }>`
    select sql as text from main.sqlite_schema where type = 'table' and name = ${table}`);
  const { text = '' } = rows[0] ?? {};
  const at = text.search(/\bcheck\s*\(/i);
  if (at === -1) return [];
  const after = text.slice(at).toLowerCase();
  return columns.map(({ name }) => name).filter((name) => after.includes(name.toLowerCase()));
}
