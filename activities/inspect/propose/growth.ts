import type { AgeCandidate } from './ages.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { hasWord, splitWords } from './words.ts';

/** Words for what happens, and is not looked at for ever. */
const EVENT_WORDS = new Set(
  (
    'log event history audit trail session job run execution task message notification email mail token metric sample ' +
    'measurement reading heartbeat attempt delivery request response activity revision tick snapshot trace span ' +
    'import export outbox inbox xcom result visit click hit login nonce reschedule warning alert callback statistic stat'
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
  return [catalog.name, size.partitionOf ?? ''].map(splitWords).some((words) => {
    return hasWord(words, EVENT_WORDS) && !hasWord(words.slice(-1), DEFINITION_WORDS);
  });
}

/** Why a table seems to grow without an end; undefined if nothing shows that. */
export function findGrowth(
  table: KnownTable,
  ages: readonly AgeCandidate[],
  database: KnownDatabase,
): string | undefined {
  if (isNamedForEvents(table)) return 'its name says that rows are things that happened';
  if (isReferenced(table, database)) return undefined;
  if (ages.some(({ role }) => role === 'expiry'))
    return 'its rows say when they expire, and nothing references them';
  const { written } = table.size;
  if (table.rows < MANY_ROWS) return undefined;
  if (written === null) return 'it is large, and nothing references its rows';
  if (written.updated > FEW_UPDATES * Math.max(written.inserted, table.rows)) return undefined;
  return 'it is large, its rows are hardly ever updated, and nothing references them';
}

function isReferenced({ catalog: { id } }: KnownTable, { catalog }: KnownDatabase): boolean {
  return catalog.foreignKeys.some((key) => key.parent === id && key.child !== id);
}
