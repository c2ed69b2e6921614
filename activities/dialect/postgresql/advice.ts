import type { TableName } from '../../stored/columns.ts';
import type { Advice } from '../advice.ts';
import { qualifiedName, quoteIdentifier } from './identifiers.ts';

/** Builds an index without locking out writers. */
function suggestIndex(table: TableName, column: string): string {
  return `create index concurrently on ${qualifiedName(table)} (${quoteIdentifier(column)});`;
}

/** Builds an invalid index again. */
function suggestRebuild(index: string): string {
  return `reindex index concurrently ${quoteIdentifier(index)};`;
}

/** Removes dead rows of a table, by its label. */
function suggestVacuum(label: string): string {
  return `vacuum (analyze) ${quoteLabel(label)};`;
}

/** Gives back what is empty in the indexes of a table, by its label. */
function suggestReindex(label: string): string {
  return `reindex table concurrently ${quoteLabel(label)};`;
}

function quoteLabel(label: string): string {
  return label.split('.').map(quoteIdentifier).join('.');
}

/** What a role needs to work with the ledger. */
function suggestGrants(schema: string): string {
  return (
    `grant usage on schema ${schema} to the role; ` +
    `grant select, insert, update, delete on all tables in schema ${schema} to the role;`
  );
}

/** Without these `pg_dump` fails, as it locks every table and reads every sequence. */
function suggestBackupGrants(schema: string): string {
  return (
    `grant usage on schema ${schema} to the role; ` +
    `grant select on all tables in schema ${schema} to the role; ` +
    `grant select on all sequences in schema ${schema} to the role;`
  );
}

/** Statements for PostgreSQL. */
export const POSTGRES_ADVICE: Advice = {
  suggestIndex,
  suggestRebuild,
  suggestVacuum,
  suggestReindex,
  suggestGrants,
  suggestBackupGrants,
};
