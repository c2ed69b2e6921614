import { sql } from 'kysely';

import type { HeldRows } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { isInForce } from '../holds.ts';
import { parseJsonOrNull } from './ledger-sql.ts';

interface HeldRow {
  readonly schema: string;
  readonly name: string;
  readonly keyColumn: string | null;
  readonly keyType: string | null;
  readonly condition: string | null;
}

/** The holds in force, now or at a later instant. */
export async function readHeldRows(
  connection: Connection,
  from: string | undefined,
): Promise<readonly HeldRows[]> {
  const { rows } = await connection.run(sql<HeldRow>`
    select distinct h.schema, h.name, h.key_column as "keyColumn", h.key_type as "keyType", h.condition
    from ${ledgerTable(connection, 'hold')} as h
    where ${isInForce(from)}`);
  return rows.map(({ schema, name, keyColumn, keyType, condition }) => ({
    schema,
    name,
    of: { schema, name },
    key: keyColumn === null || keyType === null ? null : { name: keyColumn, type: keyType },
    condition: parseJsonOrNull(condition),
  }));
}
