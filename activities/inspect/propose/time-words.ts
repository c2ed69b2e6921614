import { hasWord, splitWords } from './words.ts';

/** What an instant says of its row. */
export type AgeRole = 'expiry' | 'end' | 'event' | 'creation' | 'change' | 'plan' | 'other';

const EXPIRY = toSet('expire expired expiry expiration exp until');

/** The words of each role. The first role that has one of a column's words counts. */
const ROLES: readonly (readonly [AgeRole, ReadonlySet<string>])[] = [
  ['plan', toSet('after next due scheduled schedule planned available publish birth born hire')],
  ['expiry', EXPIRY],
  [
    'change',
    toSet(
      'update updated modify modified change changed last refreshed touched seen used accessed active heartbeat',
    ),
  ],
  [
    'end',
    toSet(
      'complete completed finish finished end ended stop stopped close closed terminated processed delivered ' +
        'resolved cancelled canceled consumed failed archived deleted delete revoked acknowledged',
    ),
  ],
  ['creation', toSet('create created creation inserted added enqueued queued registered issued')],
  [
    'event',
    toSet(
      'time timestamp ts date dttm occurred logged happened sent received captured recorded measured fired start started at when',
    ),
  ],
];

/** Last words of names for who did something, or how often. */
const OTHER_WORDS = toSet('by id uuid user count number version ip');

/** What an instant says of its row, by the name of its column. */
export function findRole(column: string): AgeRole {
  const words = splitTimeWords(column);
  // `created_by` is a number, and no instant.
  if (hasWord(words.slice(-1), OTHER_WORDS)) return 'other';
  return ROLES.find(([, list]) => hasWord(words, list))?.[0] ?? 'other';
}

/** Words beside those of expiry that say nothing of what expires. */
const OF_NOTHING = toSet(
  'keep retain valid is will at on date time timestamp ts dt utc epoch unix s sec second ms milli us micro',
);

/**
 * Whether a column of role `expiry` says when its row expires, and not something in the row, as `invitation_expires_at` of a
 * membership. What its table is named for is the row: `token_expires_at` of `login_token`.
 */
export function isExpiryOfRow(column: string, table: string): boolean {
  const own = splitWords(table);
  return splitTimeWords(column).every(
    (word) => EXPIRY.has(word) || OF_NOTHING.has(word) || own.includes(word),
  );
}

/** Whether the name of a column says that it holds an instant, whatever its type. */
export function hasTimeWord(column: string): boolean {
  return findRole(column) !== 'other';
}

function toSet(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}

/**
 * The words of the name of an instant. PostgreSQL has a `createdAt` without quotes as `createdat`, which shows no end of a word:
 * what stands before such an ending must be a word of time.
 */
function splitTimeWords(column: string): string[] {
  return splitWords(column).flatMap((word) => {
    const [, stem = '', ending = ''] = /^(.{3,})(at|on|date|time|timestamp|ms)$/.exec(word) ?? [];
    if (/^last./.test(stem)) return ['last', stem.slice(4), ending];
    const [first = ''] = splitWords(stem);
    return ROLES.some(([, list]) => list.has(first)) ? [first, ending] : [word];
  });
}
