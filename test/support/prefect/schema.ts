import { readFileSync } from 'node:fs';

import type pg from 'pg';

const SCHEMA = readFileSync(new URL('./schema.sql', import.meta.url), 'utf8');

/** Statements that can wait until the rows are there: building an index at the end is several times faster. */
const LATER = /^(create (unique )?index|alter table)/;

/** Makes the Prefect-shaped tables, lets rows be filled in, and then makes what can wait. */
export async function makeSchema(client: pg.ClientBase, fill?: () => Promise<void>): Promise<void> {
  const statements = SCHEMA.replaceAll(/^--.*$/gm, '')
    .split(/;\s*\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
  for (const statement of statements) if (!LATER.test(statement)) await client.query(statement);
  await fill?.();
  for (const statement of statements) if (LATER.test(statement)) await client.query(statement);
}
