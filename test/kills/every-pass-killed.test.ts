import { expect, test } from '@jest/globals';

import { createDatabase } from '../support/database.ts';
import { runEngine } from '../support/engine.ts';
import type { HoldAt } from '../support/postgres/commit-proxy.ts';
import { CommitProxy } from '../support/postgres/commit-proxy.ts';
import { makeEveryKind } from '../support/prefect/every-kind.ts';
import { everyPass, everyPassNames } from '../support/prefect/every-pass.ts';
import { horizonsNow } from '../support/prefect/retention.ts';
import { Before } from '../support/vacuum.ts';

// What a killed worker leaves is the ledger, and a transaction that the server has or has not committed.
test.each<[HoldAt, number]>([
  ['before commit', 1],
  ['after commit', 0],
])(
  'every pass of the Prefect preset, cut off %s again and again, goes on where it was',
  async (at, batchesToPass) => {
    const database = await createDatabase();
    const fates = await makeEveryKind(database);
    const policy = everyPass();
    const before = await Before.of(database, { ...(await horizonsNow(database)), passes: everyPassNames() });
    const cutOff = new Set<string>();
    let report: Awaited<ReturnType<typeof runEngine>> | undefined;
    while (report === undefined) {
      const proxy = await CommitProxy.start(database.url, at, batchesToPass);
      const running = runEngine(proxy.url, policy, { size: 8 }).catch(() => undefined);
      await Promise.race([running, proxy.held]);
      const under = await database.rows<{ name: string }>(
        `select name from vacuum.pass join vacuum.batch on batch.run_id = pass.run_id and batch.pass = ordinal
         order by batch.at desc limit 1`,
      );
      await proxy.close();
      report = await running;
      if (report === undefined) for (const { name } of under) cutOff.add(name);
    }
    expect(cutOff.size).toBeGreaterThan(8);
    await fates.expectMet(database, everyPassNames());
    await before.expectRightRows();
    await before.expectExactAccount(report);
    await database.drop();
  },
  180_000,
);
