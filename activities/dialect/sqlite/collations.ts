import { sql } from 'kysely';

import type { CatalogColumn } from '../catalog.ts';
import type { Connection } from './connection.ts';
import { tableRef } from './identifiers.ts';

/** Collations that take texts for equal that differ. No pragma tells them: the column itself compares some texts. */
export async function readCollations(
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
