import { countNouns } from '../../../policy/count-nouns.ts';
import { formatBytes } from '../../../policy/format-bytes.ts';
import type { AgeCandidate } from './ages.ts';
import type { Dependent } from './dependents.ts';
import type { KnownTable } from './known-table.ts';
import { listPathColumns } from './paths.ts';
import type { StateColumn } from './states.ts';

/** What a pass was guessed from. */
interface Guesses {
  readonly table: KnownTable;
  readonly growth: string;
  readonly ages: readonly AgeCandidate[];
  readonly state: StateColumn | undefined;
  readonly dependents: readonly Dependent[];
}

const UNIT_NAMES = { s: 'seconds', ms: 'milliseconds', us: 'microseconds' } as const;

/** The comments of a pass, one for each guess. Names columns of the database, as who checks them looks there. */
export function describePass({ table, growth, ages, state, dependents }: Guesses): string[] {
  const { catalog, size, rows } = table;
  const bytes = formatBytes(size.bytes);
  const paths = listPathColumns(table);
  return [
    `${catalog.label}: ${countNouns(rows, 'row')}, ${bytes}. It seems to grow: ${growth}.`,
    `Age: ${ages.map(describeAge).join(', or ')}.`,
    ...(state === undefined ? [] : [describeState(state)]),
    ...describeDependents(table, dependents),
    ...paths.map(
      (column) =>
        `${column} seems to record files. They stay, unless files: names a fileRoot that is recordedBy it.`,
    ),
    ...(catalog.primaryKey.length === 0 ? ['The table has no primary key.'] : []),
  ];
}

function describeAge({ column, unit, indexed, nullShare }: AgeCandidate): string {
  const facts = [
    indexed ? 'indexed' : 'no index: the whole table is read',
    ...(unit === null ? [] : [`${UNIT_NAMES[unit]} since 1970, by its values`]),
    ...(nullShare === 0 ? [] : [`null in ${Math.ceil(nullShare * 100)} % of the rows, which stay`]),
  ];
  return `${column.name} (${facts.join('; ')})`;
}

function describeState({ column, final, living }: StateColumn): string {
  const others = living.length === 0 ? 'No other value was seen' : `Rows with ${living.join(', ')} stay`;
  return `${column.name} is ${final.join(', ')} when a row is over, by the words. ${others}.`;
}

function describeDependents({ catalog }: KnownTable, dependents: readonly Dependent[]): string[] {
  const list = (tie: Dependent['tie']): string =>
    dependents
      .filter((dependent) => dependent.tie === tie)
      .map(({ table, column }) => `${table.catalog.label}.${column}`)
      .join(', ');
  const sentences: readonly (readonly [string, string])[] = [
    [list('cascade'), 'The database deletes with each row, and the preview counts, what references it by'],
    [list('set null'), 'The database cuts these references to a row'],
    [list('child'), 'Deleted with each row, before it, as their foreign keys have no action'],
    [
      list('blocks'),
      `A row of ${catalog.label} cannot be deleted while one of these references it, or a row that goes with it`,
    ],
    [list('guess'), 'No foreign key, but named and typed like a reference: take it in if it is one'],
  ];
  return sentences.filter(([names]) => names !== '').map(([names, text]) => `${text}: ${names}.`);
}
