/**
 * Where a cursor's location, a page, an age or a key lies along a scan, as a number; NaN if it does not tell. For progress
 * and for cutting a table into shards, never for finding rows.
 */
export { findPosition } from './postgresql/scan-cursor.ts';
