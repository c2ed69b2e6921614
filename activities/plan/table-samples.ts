import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { Sample, SampleRequest } from '../dialect/tables.ts';

/** Collects what all passes request of samples, so that each table is sampled once. */
export class TableSamples {
  readonly #tables = new Map<string, { table: CatalogTable; requests: SampleRequest[]; samples: Sample[] }>();

  /** Adds a request; the function returns the sample once {@link read} is done. */
  add(table: CatalogTable, request: SampleRequest): () => Sample {
    const entry = this.#tables.get(table.id) ?? { table, requests: [], samples: [] };
    this.#tables.set(table.id, entry);
    const n = entry.requests.push(request) - 1;
    return () => {
      const sample = entry.samples[n];
      if (sample === undefined) throw new Error('the tables were not sampled');
      return sample;
    };
  }

  async read(tx: Tx): Promise<void> {
    for (const entry of this.#tables.values()) {
      entry.samples = await tx.tables.sample(entry.table, entry.requests);
    }
  }
}
