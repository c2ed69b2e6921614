import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { CatalogColumn, CatalogTable, ForeignKey, WantedTable } from '../catalog.ts';
import { Catalog, wantedKey } from '../catalog.ts';
import { ROWIDS_PER_PAGE } from '../scan-position.ts';
import type { Connection } from './connection.ts';
import { readForeignKeys } from './foreign-keys.ts';
import { tableRef } from './identifiers.ts';
import { readIndexes } from './indexes.ts';
import { readInstantColumns } from './instant-types.ts';
import type { ListedColumn, ListedTable } from './listed-tables.ts';
import { findAffinity, isRowid, listTables, SCHEMA } from './listed-tables.ts';
import { readChecked, readTriggers } from './triggers.ts';

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
    if (listed !== undefined) tables.push(await readListed(connection, known, listed, asked.has(name)));
  }
  const ids = new Map(found.map(({ schema, name, table }) => [wantedKey({ schema, name }), table.name]));
  return new Catalog(
    tables,
    ids,
    foreignKeys,
    [...known.values()].map(({ name }) => name),
  );
}

/** Reads one table by its own name, without foreign keys; undefined if it is not there. */
export async function readTable(connection: Connection, table: TableName): Promise<CatalogTable | undefined> {
  const known = await listTables(connection);
  const listed = known.get(table.name.toLowerCase());
  return listed === undefined ? undefined : readListed(connection, known, listed, true);
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

async function readListed(
  connection: Connection,
  known: ReadonlyMap<string, ListedTable>,
  { name, type, wr }: ListedTable,
  isWanted: boolean,
): Promise<CatalogTable> {
  const { rows: listed } = await connection.run(sql<ListedColumn>`
    select name, type, "notnull", pk, hidden from pragma_table_xinfo(${name}) order by cid`);
  const isTable = type === 'table';
  const unusable = findUnusable(type, wr === 1, listed);
  const canScan = isTable && unusable === undefined;
  const { rows: counted } = canScan
    ? await connection.run(sql<{ rows: number; last: number | null }>`
        select
          (select count(*) from (select 1 from ${tableRef({ name })} limit ${MAX_COUNTED})) as rows,
          (select max(rowid) from ${tableRef({ name })}) as last`)
    : { rows: [] };
  const { rows = 0, last = null } = counted[0] ?? {};
  const indexes = isTable ? await readIndexes(connection, name, listed) : [];
  const triggers = await readTriggers(connection, name, known);
  const columns = listed.map((column, number): CatalogColumn => {
    // The rowid by another name is never null, whatever its declaration says.
    const notNull = column.notnull === 1 || isRowid(column, listed);
    const computed = column.hidden >= 2 ? ({ computed: true } as const) : {};
    const affinity = findAffinity(column.type);
    const json = affinity === 'text' || /json/i.test(column.type) ? ({ mayBeJson: true } as const) : {};
    return { name: column.name, number, type: affinity, notNull, distinct: null, ...computed, ...json };
  });
  const instants =
    isWanted && canScan ? await readInstantColumns(connection, { name }, columns, indexes) : undefined;
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
        const collation = collations.get(column.name) as string | undefined;
        return [
          column.name,
          {
            ...column,
            ...instants?.get(column.name),
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
