import type { StayReason } from '../../../activities/stored/stay-reason.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { daysAgo } from '../either.ts';

/** Something that a policy can say, in a small world with rows just inside and just outside of each boundary. */
export interface Option {
  readonly name: string;
  /** Left out if it works on both. */
  readonly only?: 'PostgreSQL';
  /** Statements that both dialects understand. Each table has a whole number `id`. */
  readonly schema: string;
  readonly entities: Policy['entities'];
  readonly passes: readonly Pass[];
  /** Rows that a hold keeps. */
  readonly holds?: readonly {
    readonly entity: string;
    readonly rows: { readonly key: string } | { readonly filter: object };
  }[];
  /** How many rows each pass deletes from each table. */
  readonly deleted: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How many rows of its own table wait for each pass. Default: those that it deletes from the first table. */
  readonly waiting?: Readonly<Record<string, number>>;
  /** Only a count tells the backlog, and no estimate at once. Left out if both do. */
  readonly onlyCounted?: true;
  /** The ids that are left in each table. */
  readonly left: Readonly<Record<string, readonly number[]>>;
  /** By entity and key: the pass that a row goes by, or why it stays. At least one of each. */
  readonly explained: readonly (readonly [
    entity: string,
    key: string | number,
    why: string | readonly StayReason[],
  ])[];
  /** What doctor finds beside that all is well. Default: nothing. */
  readonly advice?: readonly RegExp[];
}

/** Half an hour more, and half an hour less, than some days ago, as statements have it: a test may wait that long for its turn. */
const MARGIN = 30 / 1440;
export const justOver = (days: number): string => daysAgo(days + MARGIN);
export const justUnder = (days: number): string => daysAgo(days - MARGIN);

/** The same as numbers since 1970. */
export const overSince1970 = (days: number, perSecond: number): number => since1970(days + MARGIN, perSecond);
export const underSince1970 = (days: number, perSecond: number): number =>
  since1970(days - MARGIN, perSecond);

function since1970(days: number, perSecond: number): number {
  return Math.floor(Date.now() / 1000 - days * 86_400) * perSecond;
}
