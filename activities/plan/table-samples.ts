import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isRefused } from '../dialect/read-error.ts';
import type { Sample, SampleRequest } from '../dialect/tables.ts';
import { describeRefusal } from './check-statements.ts';

interface Entry {
  readonly table: CatalogTable;
  readonly requests: { readonly pass: string; readonly request: SampleRequest }[];
  samples: Sample[];
}

/** Collects what all passes request of samples, so that each table is sampled once. */
export class TableSamples {
  readonly #tables = new Map<string, Entry>();

  /** Adds a request of a pass; the function returns the sample once {@link read} is done. */
  add(pass: string, table: CatalogTable, request: SampleRequest): () => Sample {
    const entry = this.#tables.get(table.id) ?? { table, requests: [], samples: [] };
    this.#tables.set(table.id, entry);
    const n = entry.requests.push({ pass, request }) - 1;
    return () => {
      const sample = entry.samples[n];
      if (sample === undefined) throw new Error('the tables were not sampled');
      return sample;
    };
  }

  /** Throws a `ValidationError` that names the passes whose condition fails on some row. */
  async read(tx: Tx): Promise<void> {
    for (const entry of this.#tables.values()) {
      try {
        const requests = entry.requests.map(({ request }) => request);
        entry.samples = await tx.tryAndUndo(async () => tx.tables.sample(entry.table, requests));
      } catch (error) {
        if (!isRefused(error)) throw error;
        assertValid('the policy', await findFailing(tx, entry));
        throw error;
      }
    }
  }
}

/** Which of the requests fail alone. */
async function findFailing(tx: Tx, { table, requests }: Entry): Promise<Issue[]> {
  const issues = new Map<string, Issue>();
  for (const { pass, request } of requests) {
    try {
      await tx.tryAndUndo(async () => tx.tables.sample(table, [request]));
    } catch (error) {
      if (!isRefused(error)) throw error;
      const issue = describeRefusal(pass, error);
      issues.set(issue.at, issue);
    }
  }
  return [...issues.values()];
}
