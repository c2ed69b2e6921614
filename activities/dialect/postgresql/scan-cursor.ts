import type { Cursor } from '../../stored/cursor.ts';

/** Where a scan by age stands: ages are not unique, so that the ctid decides among equals. */
export interface AgePosition {
  readonly age: string;
  readonly ctid: string;
}

/** The location at which a scan stands, as this dialect wrote it; undefined at the start of the shard. */
export function readLocation(cursor: Cursor): string | undefined {
  return cursor !== null && 'location' in cursor ? cursor.location : undefined;
}

/** Where a scan by age stands; undefined at the start of the shard. */
export function readAgePosition(cursor: Cursor): AgePosition | undefined {
  const location = readLocation(cursor);
  if (location === undefined) return undefined;
  const cut = location.indexOf(' ');
  return { ctid: location.slice(0, cut), age: location.slice(cut + 1) };
}

/** A cursor of a scan by age. */
export function toAgeCursor(position: AgePosition): Cursor {
  return { location: `${position.ctid} ${position.age}` };
}

/** A cursor of a scan by parent key: after a key, or at the start. */
export function toKeyCursor(key: string | null): Cursor {
  return key === null ? null : { location: key };
}
