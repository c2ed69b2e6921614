import type { ResolvedPass } from '../plan/resolve.ts';
import type { Catalog, CatalogTable } from '../sql/catalog.ts';
import { quoteIdentifier } from '../sql/names.ts';
import type { Finding } from './finding.ts';

/** A column that a pass would like an index on. */
interface Wanted {
  readonly table: CatalogTable;
  readonly column: string;
  readonly why: string;
}

/** Indexes on the age and key columns of passes, and on foreign keys that their deletes follow. */
export function examineIndexes(passes: readonly ResolvedPass[], catalog: Catalog): Finding[] {
  const wanted = [
    ...passes.flatMap((pass) => wantedByPass(pass, catalog)),
    ...passes.flatMap((pass) => wantedByForeignKeys(pass, catalog)),
  ];
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const { table, column, why } of wanted) {
    const key = `${table.label}.${column}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const finding = examine(table, column, why);
    if (finding !== undefined) findings.push(finding);
  }
  if (findings.length > 0) return findings;
  return [
    {
      about: 'indexes',
      state: 'ok',
      what: `all ${seen.size} columns that passes walk by or look up have one`,
    },
  ];
}

function examine(table: CatalogTable, column: string, why: string): Finding | undefined {
  const leading = table.indexes.filter((index) => index.leading === column && index.method === 'btree');
  if (leading.some((index) => index.valid && !index.partial)) return undefined;
  const about = `index on ${table.label}.${column}`;
  const invalid = leading.find((index) => !index.valid);
  if (invalid !== undefined) {
    const name = quoteIdentifier(invalid.name);
    const what = `index ${invalid.name} is invalid, as after a build that was interrupted; ${why}`;
    return { about, state: 'advice', what, fix: `reindex index concurrently ${name};` };
  }
  const statement = `create index concurrently on ${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)} (${quoteIdentifier(column)});`;
  return { about, state: 'advice', what: `there is none; ${why}`, fix: statement };
}

function wantedByPass({ pass, frozen }: ResolvedPass, catalog: Catalog): Wanted[] {
  const at = (table: { schema: string; name: string }, column: string, why: string): Wanted[] => {
    const found = catalog.named(table);
    return found === undefined ? [] : [{ table: found, column, why: `pass ${pass.name} ${why}` }];
  };
  const parts = frozen as Partial<{
    age: { name: string };
    ages: readonly { name: string }[];
    by: { name: string };
    children: { table: { schema: string; name: string }; by: { name: string } }[];
    references: { table: { schema: string; name: string }; on: { child: string }[] }[];
    root: { recordedBy: readonly { table: { schema: string; name: string }; column: { name: string } }[] };
    left: { table: { schema: string; name: string }; by: { name: string }; to: string }[];
  }>;
  return [
    ...(pass.kind === 'expireRows' && parts.ages?.length === 1
      ? at(frozen.table, parts.ages[0]?.name ?? '', 'reads the whole table instead of the old rows')
      : []),
    ...((pass.kind === 'reportRows' || pass.kind === 'deleteUnreferenced') && parts.age !== undefined
      ? at(frozen.table, parts.age.name, 'reads the whole table instead of the old rows')
      : []),
    ...(pass.kind === 'deleteOrphans' && parts.by !== undefined
      ? at(frozen.table, parts.by.name, 'reads the whole table instead of the distinct keys')
      : []),
    ...(parts.root?.recordedBy ?? []).flatMap(({ table, column }) =>
      at(table, column.name, 'looks paths up in it, and reads the whole table in every batch'),
    ),
    ...(parts.children ?? []).flatMap((child) =>
      at(child.table, child.by.name, 'reads the whole child table in every batch'),
    ),
    ...(parts.references ?? []).flatMap(({ table, on }) =>
      at(table, on[0]?.child ?? '', 'reads all that could point at a row in every batch'),
    ),
    ...(parts.left ?? []).flatMap((child) =>
      at(child.table, child.by.name, `leaves the child table to pass ${child.to}, which reads it whole`),
    ),
  ];
}

/** A delete looks for children by every foreign key that points at the row, whatever it then does to them. */
function wantedByForeignKeys({ pass, frozen }: ResolvedPass, catalog: Catalog): Wanted[] {
  const deletedFrom = new Set(frozen.counted.map((table) => catalog.named(table)?.oid));
  return catalog.foreignKeys.flatMap((key) => {
    if (!deletedFrom.has(key.parent) || !catalog.has(key.child)) return [];
    const why = `foreign key ${key.name} makes each row that pass ${pass.name} deletes read the whole table`;
    return [{ table: catalog.get(key.child), column: key.childColumns[0] ?? '', why }];
  });
}
