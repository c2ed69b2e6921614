import type { KnownTable } from './known-table.ts';
import { splitWords } from './words.ts';

/** Words for what a law or a contract may say how long it must stay. */
const KEPT_WORDS = new Set(
  (
    'payment payout invoice invoicing bill billing billable billed charge refund credit debit fee tax taxe wallet balance ' +
    'transaction accounting contract purchase order sale salary payroll booking reservation donation voucher coupon receipt ' +
    'quote subscription licence license consent vote ballot exam grade patient prescription'
  ).split(' '),
);

/** The word of a table's name that says that a law or a contract may say how long its rows stay; undefined if it has none. */
export function findKeptWord({ catalog }: Pick<KnownTable, 'catalog'>): string | undefined {
  return splitWords(catalog.name).find((word) => KEPT_WORDS.has(word));
}
