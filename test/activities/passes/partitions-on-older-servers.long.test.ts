import { afterAll, describe, expect, test } from '@jest/globals';

import { describeNeeding } from '../../support/needing.ts';
import { OLDER_POSTGRESQL, postgresql } from '../../support/parts/bring.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { programsIn } from '../../support/postgres/programs.ts';
import { createReadings, dropOld, readingsPolicy, readPartitions } from '../../support/readings.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

describe.each(OLDER_POSTGRESQL)('PostgreSQL %s', (major) => {
  describeNeeding(['temporal', `postgresql-${major}`], 'drops partitions as the newest does', () => {
    const session = new TemporalSession();
    afterAll(async () => session.close());

    test('but those that are needed, below a foreign key to the whole table', async () => {
      const cluster = await startCluster({ programs: programsIn(postgresql(major).folder) });
      const database = await createReadings(cluster.url());
      await database.rows(`
        create table alarm (id integer primary key, reading_id integer, reading_ts timestamptz,
          foreign key (reading_id, reading_ts) references reading (id, ts));
        insert into alarm select 1, id, ts from reading where id = 105;
        create view second as select * from reading_2`);
      const report = await vacuum(session, database, [readingsPolicy([dropOld()])]);
      expect(report.passes).toMatchObject([{ deleted: { reading: 10 }, blocked: 20 }]);
      const left = ['reading_1', 'reading_2', 'reading_4', 'reading_5', 'reading_default'];
      expect(await readPartitions(database)).toEqual(left);
      await database.drop();
      await cluster.destroy();
    });
  });
});
