import { afterAll, beforeAll, test } from '@jest/globals';

import { describeNeeding } from '../support/needing.ts';
import { OLDER_PREFECTS } from '../support/parts/bring.ts';
import { AsOnPostgres } from '../support/prefect/as-on-postgresql.ts';

const MINUTES = 60_000;

describeNeeding(
  ['prefect', ...OLDER_PREFECTS.map((version) => `prefect-${version}` as const)],
  'the SQLite file of an older Prefect',
  () => {
    let prefect: AsOnPostgres;

    beforeAll(async () => {
      prefect = await AsOnPostgres.prepare(OLDER_PREFECTS);
    }, 4 * MINUTES);
    afterAll(async () => prefect.remove());

    test.each(OLDER_PREFECTS)(
      '%s: the same rows go as on PostgreSQL, as previewed',
      async (version) => prefect.expectSameRows(version, {}),
      MINUTES,
    );
  },
);
