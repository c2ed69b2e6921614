import type { Cursor } from '../../stored/cursor.ts';

/** Where a scan by age stands: ages are not unique, so that the rowid decides among equals. */
export interface AgePosition {
  /** The value of the column, as text. */
  readonly age: string;
  readonly rowid: string;
}

function readText(cursor: Cursor): string | undefined {
  return cursor !== null && 'location' in cursor ? cursor.location : undefined;
}

/** The rowid after which a scan in physical order goes on; undefined at the start of the shard. */
export function readRowid(cursor: Cursor): string | undefined {
  return readText(cursor)?.slice(1, -1);
}

/** A cursor of a scan in physical order: after a rowid, or at the start of the table. */
export function toRowidCursor(rowid: string | null | undefined): Cursor {
  return rowid === null || rowid === undefined ? null : { location: `(${rowid})` };
}

/** Where a scan by age stands; undefined at the start of the shard. */
export function readAgePosition(cursor: Cursor): AgePosition | undefined {
  const text = readText(cursor);
  if (text === undefined) return undefined;
  const cut = text.indexOf(') ');
  return { rowid: text.slice(1, cut), age: text.slice(cut + 2) };
}

/** A cursor of a scan by age. */
export function toAgeCursor(position: AgePosition): Cursor {
  return { location: `(${position.rowid}) ${position.age}` };
}

/** The key after which a scan by parent key goes on; undefined at the start of the shard. */
export function readKey(cursor: Cursor): string | undefined {
  return readText(cursor);
}

/** A cursor of a scan by parent key: after a key, or at the start. */
export function toKeyCursor(key: string | null): Cursor {
  return key === null ? null : { location: key };
}
