import type { AgeCandidate } from './ages.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { hasWord, splitWords } from './words.ts';

/** Words for what programs write down of what they did. */
const LOG_WORDS = new Set(
  (
    'log audit trail heartbeat metric trace span tick nonce token login hit click outbox inbox xcom reschedule callback ' +
    'notification execution attempt error exception'
  ).split(' '),
);

/** Words for what happens, and is not looked at for ever; unless people wrote it. */
const EVENT_WORDS = new Set([
  ...LOG_WORDS,
  ...(
    'event history session job run task message email mail sample measurement reading delivery request response activity ' +
    'revision snapshot import export result visit warning alert statistic stat'
  ).split(' '),
]);

/** Words behind those for what a row is: `event_data` and `task_instance` are events and tasks, an `event_participant` is none. */
const NEUTRAL_WORDS = new Set(
  (
    'entry entity data datum item record row line instance archive archived old new common raw part partition default info ' +
    'meta metadata table object store shard minutely hourly daily weekly monthly quarterly yearly'
  ).split(' '),
);

/** Last words of names for what people or programs set up: a `log_template` is no log, and `email_addresses` are no mails. */
const DEFINITION_WORDS = new Set(
  (
    'template reference type kind category config configuration setting option parameter definition rule policy schedule ' +
    'permission role scope preference subscription channel provider endpoint schema field domain list allowlist denylist ' +
    'blocklist blacklist whitelist address addresse account user group member credential'
  ).split(' '),
);

/** A table with fewer rows shows no growth. */
const MANY_ROWS = 10_000;

/** Rows of a log are hardly ever updated. */
const FEW_UPDATES = 0.1;

/** Whether the name of a table, or of the one that it is a partition of, says that its rows are things that happened. */
export function isNamedForEvents({ catalog, size }: KnownTable): boolean {
  return [catalog.name, size.partitionOf ?? ''].some((name) => EVENT_WORDS.has(findSubject(name)));
}

/** The same, if it cannot mean what people wrote. */
export function isSurelyNamedForEvents({ catalog, size }: KnownTable): boolean {
  return [catalog.name, size.partitionOf ?? ''].some((name) => LOG_WORDS.has(findSubject(name)));
}

/** Whether the rows of a table belong to things that happened, by its name, and may be of use for longer. */
export function isNamedBesideEvents(table: KnownTable): boolean {
  const words = splitWords(table.catalog.name);
  return hasWord(words, EVENT_WORDS) && !isNamedForEvents(table) && !isDefinition(words);
}

/** The word for what a row is: the last one that says something. */
function findSubject(name: string): string {
  const words = splitWords(name);
  return words.findLast((word) => !NEUTRAL_WORDS.has(word) && !/^[a-z]?\d+$/.test(word)) ?? '';
}

function isDefinition(words: readonly string[]): boolean {
  return hasWord(words.slice(-1), DEFINITION_WORDS);
}

/** Why a table seems to grow without an end. */
export interface Growth {
  readonly by: 'name' | 'expiry' | 'size';
  readonly why: string;
}

/** Why a table seems to grow without an end; undefined if nothing shows that. */
export function findGrowth(
  table: KnownTable,
  ages: readonly AgeCandidate[],
  database: KnownDatabase,
): Growth | undefined {
  if (isNamedForEvents(table)) return { by: 'name', why: 'its name says that rows are things that happened' };
  if (isReferenced(table, database) || isDefinition(splitWords(table.catalog.name))) return undefined;
  if (ages.some(({ role }) => role === 'expiry'))
    return { by: 'expiry', why: 'its rows say when they expire, and nothing references them' };
  const { written } = table.size;
  if (table.rows < MANY_ROWS || isNamedBesideEvents(table)) return undefined;
  if (written === null) return { by: 'size', why: 'it is large, and nothing references its rows' };
  if (written.updated > FEW_UPDATES * Math.max(written.inserted, table.rows)) return undefined;
  return { by: 'size', why: 'it is large, its rows are hardly ever updated, and nothing references them' };
}

function isReferenced(table: KnownTable, database: KnownDatabase): boolean {
  return database.listKeysTo(table).some(({ child }) => child !== table.catalog.id);
}
