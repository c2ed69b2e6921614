import type { Cursor, Shard } from '../passes/index.ts';
import { pageOf } from '../sql/page-range.ts';

/** The part of a shard that lies before a cursor, 0 to 1; null where the kind of key does not tell. */
export function walkedPart(shard: Shard, cursor: Cursor): number | null {
  if (cursor !== null && 'asked' in cursor) return walkedPart(shard, cursor.next);
  switch (shard.strategy) {
    case 'page-range': {
      if (cursor === null || !('place' in cursor)) return 0;
      return part(shard.fromPage, pageOf(cursor.place), shard.untilPage);
    }
    case 'keyset': {
      if (cursor === null || !('age' in cursor)) return 0;
      const begin = shard.from ?? shard.oldest;
      return begin === null ? null : part(Date.parse(begin), Date.parse(cursor.age), Date.parse(shard.until));
    }
    case 'tables': {
      if (cursor === null || !('table' in cursor)) return 0;
      return part(0, cursor.table, shard.tables);
    }
    case 'loose-index': {
      if (cursor === null || !('key' in cursor)) return 0;
      return part(uuidAt(shard.after, 0), uuidAt(cursor.key, Number.NaN), uuidAt(shard.until, 2 ** 48));
    }
  }
}

function part(from: number, at: number, until: number): number | null {
  const walked = (at - from) / (until - from);
  return Number.isFinite(walked) ? Math.min(1, Math.max(0, walked)) : null;
}

/** Where a UUID lies among all of them, by its first 48 bits. */
function uuidAt(key: string | null, missing: number): number {
  if (key === null) return missing;
  return /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(key)
    ? Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16)
    : Number.NaN;
}
