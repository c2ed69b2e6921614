import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { CatalogColumn, CatalogIndex, CatalogTable, ForeignKey, WantedTable } from '../catalog.ts';
import { Catalog, wantedKey } from '../catalog.ts';
import { ROWIDS_PER_PAGE } from '../position.ts';
import type { Connection } from './connection.ts';
import { hasPlainText, tableRef } from './identifiers.ts';
import { readInstantTypes } from './instant-types.ts';
import { readChecked, readKeepers } from './keepers.ts';
import { readPredicate } from './partial-index.ts';

/** The schema of all tables of a file. Attached files and temporary tables are not looked at. */
export const SCHEMA = 'main';

/** Rows of a larger table are not counted: it takes a second. */
const MAX_COUNTED = 10_000_000;

/** Reads the catalog for some tables, with what foreign keys tie to them. */
export async function readCatalog(connection: Connection, wanted: readonly WantedTable[]): Promise<Catalog> {
  const known = await listTables(connection);
  const found = wanted.flatMap(({ schema, name }) => {
    const table = schema === undefined || schema === SCHEMA ? known.get(name.toLowerCase()) : undefined;
    return table === undefined ? [] : [{ schema, name, table }];
  });
  const foreignKeys = await readForeignKeys(connection, known);
  const asked = new Set(found.map(({ table }) => table.name));
  const tables: CatalogTable[] = [];
  for (const name of withCascades([...asked], foreignKeys)) {
    const listed = known.get(name.toLowerCase());
    if (listed !== undefined) tables.push(await readListed(connection, listed, asked.has(name)));
  }
  const ids = new Map(found.map(({ schema, name, table }) => [wantedKey({ schema, name }), table.name]));
  return new Catalog(tables, ids, foreignKeys);
}

/** Reads one table by its own name, without foreign keys; undefined if it is not there. */
export async function readTable(connection: Connection, table: TableName): Promise<CatalogTable | undefined> {
  const listed = (await listTables(connection)).get(table.name.toLowerCase());
  return listed === undefined ? undefined : readListed(connection, listed, true);
}

interface ListedTable {
  readonly name: string;
  readonly type: string;
  /** It has no rowid. */
  readonly wr: number;
}

/** All tables and views by their names in lower case, in which SQLite compares them. */
async function listTables(connection: Connection): Promise<ReadonlyMap<string, ListedTable>> {
  const { rows } = await connection.run(sql<ListedTable>`
    select name, type, wr from pragma_table_list where schema = ${SCHEMA} and name not like 'sqlite\\_%' escape '\\'`);
  return new Map(rows.map((row) => [row.name.toLowerCase(), row]));
}

/** The tables, all that `on delete cascade` reaches from them, and those with any foreign key to one of these. */
function withCascades(ids: readonly string[], keys: readonly ForeignKey[]): string[] {
  const reached = new Set(ids);
  for (const id of reached) {
    for (const key of keys) if (key.parent === id && key.onDelete === 'cascade') reached.add(key.child);
  }
  const looking = keys.filter((key) => reached.has(key.parent)).map((key) => key.child);
  return [...new Set([...reached, ...looking])];
}

interface ListedColumn {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  /** 2 and 3 if it is computed. */
  readonly hidden: number;
  /** Its place in the primary key, from 1; 0 if it is not in it. */
  readonly pk: number;
}

async function readListed(
  connection: Connection,
  { name, type, wr }: ListedTable,
  isWanted: boolean,
): Promise<CatalogTable> {
  const { rows: listed } = await connection.run(sql<ListedColumn>`
    select name, type, "notnull", pk, hidden from pragma_table_xinfo(${name}) order by cid`);
  const isTable = type === 'table';
  const unusable = findUnusable(type, wr === 1, listed);
  const canScan = unusable === undefined;
  const { rows: counted } = canScan
    ? await connection.run(sql<{ rows: number; last: number | null }>`
        select
          (select count(*) from (select 1 from ${tableRef({ name })} limit ${MAX_COUNTED})) as rows,
          (select max(rowid) from ${tableRef({ name })}) as last`)
    : { rows: [] };
  const { rows = 0, last = null } = counted[0] ?? {};
  const indexes = isTable ? await readIndexes(connection, name, listed) : [];
  const triggers = await readKeepers(connection, name);
  const columns = listed.map((column, number): CatalogColumn => {
    // The rowid by another name is never null, whatever its declaration says.
    const notNull = column.notnull === 1 || isRowid(column, listed);
    const computed = column.hidden >= 2 ? ({ computed: true } as const) : {};
    const affinity = findAffinity(column.type);
    const json = affinity === 'text' || /json/i.test(column.type) ? ({ mayBeJson: true } as const) : {};
    return { name: column.name, number, type: affinity, notNull, distinct: null, ...computed, ...json };
  });
  const instants =
    isWanted && canScan
      ? await readInstantTypes(connection, { name }, columns, indexes)
      : new Map<string, string>();
  const collations = isWanted && isTable ? await readCollations(connection, name, columns) : new Map();
  return {
    schema: SCHEMA,
    name,
    label: name,
    id: name,
    kind: type === 'view' ? 'view' : 'table',
    rows: rows < MAX_COUNTED ? rows : null,
    deadRows: 0,
    pages: Math.ceil(Math.max(0, last ?? 0) / ROWIDS_PER_PAGE),
    columns: new Map(
      columns.map((column) => {
        const instantType = instants.get(column.name);
        const collation = collations.get(column.name) as string | undefined;
        return [
          column.name,
          {
            ...column,
            ...(instantType === undefined ? {} : { instantType }),
            ...(collation === undefined ? {} : { collation }),
          },
        ];
      }),
    ),
    primaryKey: listed
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map((column) => column.name),
    indexes,
    inherited: false,
    ...triggers,
    checked: await readChecked(connection, name, columns),
    hidden: false,
    unsupported: unusable,
    may: { select: true, update: true, delete: true, maintain: true },
  };
}

/** Why rows of a table can be neither scanned nor counted; undefined if they can. */
function findUnusable(
  type: string,
  isWithoutRowid: boolean,
  columns: readonly ListedColumn[],
): CatalogTable['unsupported'] {
  const fix = 'Leave the table out of the policy, or make it an ordinary one';
  if (type === 'virtual' || type === 'shadow')
    return { what: 'is virtual, or the storage of a virtual one', fix };
  if (isWithoutRowid) return { what: 'has no rowid, by which rows are scanned and counted', fix };
  if (columns.some(({ name }) => name.toLowerCase() === 'rowid')) {
    return { what: 'has a column called rowid, which hides the number by which rows are scanned', fix };
  }
  return undefined;
}

/** The type of a column by its declared type, by SQLite's own rules. */
function findAffinity(declared: string): string {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  if (type === '' || type.includes('BLOB')) return 'blob';
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'numeric';
}

async function readIndexes(
  connection: Connection,
  table: string,
  columns: readonly ListedColumn[],
): Promise<CatalogIndex[]> {
  const { rows } = await connection.run(sql<{
    name: string;
    leading: string | null;
    partial: number;
    only: number;
  }>`
    select i.name, x.name as leading, i.partial,
      i."unique" = 1 and (select count(*) from pragma_index_xinfo(i.name) where key = 1) = 1 as only
    from pragma_index_list(${table}) as i
    join pragma_index_xinfo(i.name) as x on x.seqno = 0
    order by i.name`);
  const predicates = new Map<string, string>();
  for (const { name, partial } of rows)
    if (partial === 1) predicates.set(name, (await readPredicate(connection, name)) ?? '');
  const indexes = rows.map(({ name, leading, only }): CatalogIndex => {
    const predicate = predicates.get(name);
    const type = findAffinity(columns.find((column) => column.name === leading)?.type ?? '');
    // The keys of other columns are compared as texts, which no index has.
    const usable = leading !== null && (hasPlainText({ type }) || type === 'real') ? leading : null;
    const unique = only === 1 && predicate === undefined;
    const partial = predicate !== undefined && !isNotNull(predicate, leading);
    return { name, method: 'btree', leading: usable, unique, valid: true, partial };
  });
  const key = columns.find((column) => isRowid(column, columns));
  if (key === undefined) return indexes;
  const { name: leading } = key;
  return [...indexes, { name: 'rowid', method: 'btree', leading, unique: true, valid: true, partial: false }];
}

/** Whether a predicate leaves out only rows without a value in a column. */
function isNotNull(predicate: string, column: string | null): boolean {
  const [, name] =
    /^\(*\s*["`[]?([^"`\]]+?)["`\]]?\s+(?:is\s+not\s+null|notnull)\s*\)*$/i.exec(predicate.trim()) ?? [];
  return name !== undefined && name.toLowerCase() === column?.toLowerCase();
}

/** Whether a column is the rowid by another name. */
function isRowid({ pk, type }: ListedColumn, columns: readonly ListedColumn[]): boolean {
  return pk > 0 && type.toUpperCase() === 'INTEGER' && columns.filter((other) => other.pk > 0).length === 1;
}

/** Collations that take texts for equal that differ. No pragma tells them: the column itself compares some texts. */
async function readCollations(
  connection: Connection,
  table: string,
  columns: readonly CatalogColumn[],
): Promise<ReadonlyMap<string, string>> {
  const texts = columns.filter(({ type }) => type === 'text');
  if (texts.length === 0) return new Map();
  const counts = texts.flatMap(({ name }, n) =>
    ['A', 'a '].map(
      (other, m) => sql`(
        select count(*)
        from (select ${sql.id(name)} from ${tableRef({ name: table })} where false union select 'a' union select ${other})
      ) as ${sql.id(`c${n}_${m}`)}`,
    ),
  );
  const { rows } = await connection.run(sql<Record<string, number>>`select ${sql.join(counts)}`);
  return new Map(
    texts.flatMap(({ name }, n) => {
      if (rows[0]?.[`c${n}_0`] === 1) return [[name, 'nocase']];
      return rows[0]?.[`c${n}_1`] === 1 ? [[name, 'rtrim']] : [];
    }),
  );
}

interface ListedForeignKey {
  readonly child: string;
  readonly id: number;
  readonly parent: string;
  readonly childColumn: string;
  readonly parentColumn: string | null;
  readonly onDelete: string;
}

/** All foreign keys of the file. One that names no column references the primary key. */
async function readForeignKeys(
  connection: Connection,
  known: ReadonlyMap<string, ListedTable>,
): Promise<ForeignKey[]> {
  const { rows } = await connection.run(sql<ListedForeignKey>`
    select
      m.name as child, f.id, f."table" as parent, f."from" as "childColumn", f."to" as "parentColumn",
      lower(f.on_delete) as "onDelete"
    from pragma_table_list as m
    join pragma_foreign_key_list(m.name) as f
    where m.schema = ${SCHEMA} and m.type = 'table'
    order by m.name, f.id, f.seq`);
  const keys = new Map<string, ListedForeignKey[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.child, row.id]);
    keys.set(key, [...(keys.get(key) ?? []), row]);
  }
  const found: ForeignKey[] = [];
  for (const parts of keys.values()) {
    const [{ child, parent: named, onDelete }] = parts as [ListedForeignKey];
    const parent = known.get(named.toLowerCase())?.name;
    if (parent === undefined) continue;
    const parentColumns = parts.every(({ parentColumn }) => parentColumn === null)
      ? await readPrimaryKey(connection, parent)
      : parts.map(({ parentColumn }) => parentColumn ?? '');
    const childColumns = parts.map(({ childColumn }) => childColumn);
    found.push({
      name: `${child} (${childColumns.join(', ')})`,
      child,
      childColumns,
      parent,
      parentColumns,
      onDelete: onDelete as ForeignKey['onDelete'],
      enforced: true,
      ...(onDelete === 'restrict' ? { checksEachRow: true } : {}),
    });
  }
  return found;
}

async function readPrimaryKey(connection: Connection, table: string): Promise<string[]> {
  const { rows } = await connection.run(sql<{ name: string }>`
    select name from pragma_table_info(${table}) where pk > 0 order by pk`);
  return rows.map(({ name }) => name);
}
