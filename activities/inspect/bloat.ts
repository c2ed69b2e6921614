import type { Bloat } from '../stored/size.ts';

/** Less than this is not worth a rewrite, in bytes. */
const MIN_BYTES = 64 * 1024 * 1024;
/** Rows that come in no order leave a third of the pages of an index empty. */
const MIN_PERCENT = 50;

/** Whether so much is empty that giving it back is worth its work. */
export function isBloated(bloat: Bloat | null | undefined): bloat is Bloat {
  return bloat !== null && bloat !== undefined && bloat.bytes >= MIN_BYTES && bloat.percent >= MIN_PERCENT;
}
