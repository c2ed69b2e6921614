import { describe } from '@jest/globals';

import { describeBatches } from './conformance/batches.ts';
import { describeCatalog } from './conformance/catalog.ts';
import type { DialectHarness } from './conformance/item-database.ts';
import { describeKeptRows } from './conformance/kept-rows.ts';
import { describeLedger } from './conformance/ledger.ts';
import { describePreviews } from './conformance/previews.ts';
import { describeRows } from './conformance/rows.ts';
import { describeScans } from './conformance/scans.ts';
import { describeTransactions } from './conformance/transactions.ts';

/** What every dialect must do. */
export function describeDialect(name: string, open: () => Promise<DialectHarness>): void {
  describe(`dialect ${name}`, () => {
    describeTransactions(open);
    describeScans(open);
    describeRows(open);
    describeCatalog(open);
    describePreviews(open);
    describeBatches(open);
    describeKeptRows(open);
    describeLedger(open);
  });
}
