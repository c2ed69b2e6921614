import type { Strategy } from '../passes/pass.ts';
import { pageOf } from '../sql/pages.ts';

/**
 * Where a place, an age or a key lies along a walk, as a number: the page, milliseconds since the epoch, the first
 * 48 bits of a UUID or the integer. NaN where the kind of key does not tell.
 */
export function positionOf(strategy: Strategy, value: string): number {
  switch (strategy) {
    case 'page-range':
      return pageOf(value);
    case 'keyset':
      return Date.parse(value);
    case 'tables':
    case 'files':
      return Number.NaN;
    case 'loose-index':
      if (/^-?\d+$/.test(value)) return Number(value);
      return /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(value)
        ? Number.parseInt(value.slice(0, 8) + value.slice(9, 13), 16)
        : Number.NaN;
  }
}
