import type { TableName } from '../../stored/columns.ts';
import type { Advice } from '../advice.ts';
import { quoteIdentifier } from './identifiers.ts';

/** Statements for SQLite. */
export const SQLITE_ADVICE: Advice = {
  suggestIndex: ({ name }: TableName, column: string) =>
    `create index ${quoteIdentifier(`${name}_${column}`)} on ${quoteIdentifier(name)} (${quoteIdentifier(column)});`,
  suggestRebuild: (index: string) => `reindex ${quoteIdentifier(index)};`,
  suggestVacuum: () => 'vacuum;',
  suggestGrants: () => 'give the user of this process the right to write the file and its folder',
};
