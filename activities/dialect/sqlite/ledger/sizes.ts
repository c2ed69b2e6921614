import { sql } from 'kysely';

import type { SizeMoment, TableSize } from '../../../stored/size.ts';
import type { SizeStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** What tables measured. */
export class SqliteSizeStore extends LedgerPart implements SizeStore {
  async write(
    run: number,
    when: { readonly moment: SizeMoment } | { readonly pass: number },
    sizes: readonly TableSize[],
  ): Promise<void> {
    const moment = 'pass' in when ? 'pass' : when.moment;
    const pass = 'pass' in when ? when.pass : -1;
    await this.change(sql`
      insert into ${this.table('size')} (run_id, moment, pass, label, measured, at)
      select ${run}, ${moment}, ${pass}, m.value ->> 'table', m.value, ${Date.now()}
      from json_each(${JSON.stringify(sizes)}) as m
      where true
      on conflict do nothing`);
  }
}
