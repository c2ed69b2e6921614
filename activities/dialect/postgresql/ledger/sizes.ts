import { sql } from 'kysely';

import type { SizeMoment, TableSize } from '../../../stored/size.ts';
import type { SizeStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** What tables measured. */
export class PostgresSizeStore extends LedgerPart implements SizeStore {
  async write(
    run: number,
    when: { readonly moment: SizeMoment } | { readonly pass: number },
    sizes: readonly TableSize[],
  ): Promise<void> {
    const moment = 'pass' in when ? 'pass' : when.moment;
    const pass = 'pass' in when ? when.pass : -1;
    await sql`
      insert into ${this.table('size')}
        (run_id, moment, pass, label, heap, indexes, toast, live, dead, measured)
      select
        ${run}::int, ${moment}::text, ${pass}::int, m ->> 'table',
        (m ->> 'heap')::float8, (m ->> 'indexes')::float8, (m ->> 'toast')::float8,
        (m ->> 'live')::float8, (m ->> 'dead')::float8, m
      from jsonb_array_elements(${JSON.stringify(sizes)}::jsonb) as m
      on conflict do nothing`.execute(this.db);
  }
}
