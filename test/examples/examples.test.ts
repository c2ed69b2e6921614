import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test } from '@jest/globals';

import { compilePages } from '../support/docs/compile.ts';
import type { WorldKind } from '../support/docs/world.ts';
import { World } from '../support/docs/world.ts';
import { describeNeeding } from '../support/needing.ts';
import { OwnTemporal } from '../support/own-temporal.ts';
import { ROOT } from '../support/parts/bring.ts';

interface Counted {
  readonly deleted: Record<string, number>;
  readonly passes: { readonly name: string; readonly rows: number; readonly moved: number }[];
}

// In a project that has nothing but the packed package, as their readers run them.
describeNeeding(['temporal'], 'the examples', () => {
  const temporal = OwnTemporal.forAll();
  let world: World | undefined;

  afterEach(async () => world?.close());

  async function open(kind: WorldKind): Promise<World> {
    world = await World.open(kind, temporal.address);
    return world;
  }

  test('own policy in own worker: the vacuum beside the shop’s own workflow, preview equal to run', async () => {
    const shop = await open('shop');
    await shop.start('node worker.ts');
    await shop.type('temporal-vacuum ledger migrate');
    const preview = (await json(shop, 'temporal-vacuum preview shop --json')) as Counted;
    const begin = { taskQueue: 'shop', workflowId: 'tidy-up' };
    await temporal.client.workflow.execute('vacuum', { ...begin, args: [{ policy: 'shop' }] });
    const shipped = await temporal.client.workflow.execute('ship', {
      ...begin,
      workflowId: 'ship',
      args: ['10'],
    });
    expect(shipped).toBe('order 10 is shipped');

    const [run] = (await json(shop, 'temporal-vacuum history --json')) as [Counted];
    const told = ({ name, rows, moved }: Counted['passes'][number]): object => ({ name, rows, moved });
    expect(run.passes.map(told)).toEqual(preview.passes.map(told));
    expect(run.deleted).toEqual(preview.deleted);
    // 1750 orders, ten hours apart, every tenth open: those from number 961 on are over 400 days old.
    expect(run.deleted).toMatchObject({ orders: 711, order_line: 3 * 711, audit_log: 711 + 200 });
    const { database } = shop;
    expect(await database.value('select count(*) from orders')).toBe(1750 - 711);
    expect(await database.value('select count(*) from audit_log where order_id > 200000')).toBe(5);
    expect(
      await database.value(`
        select count(*)
        from latest_report as l
        left join report as r on r.id = l.report_id and r.size = l.size
        where r.id is null`),
    ).toBe(0);
    expect(await database.value(`select count(*) from latest_report where name like 'stock-%'`)).toBe(0);
    expect(await database.value('select count(*) from latest_report')).toBe(20);
    await compilePages([shop.folder]);
  });

  test('Prefect: a configuration file with the preset', async () => {
    const prefect = await open('prefect');
    cpSync(join(ROOT, 'examples/prefect/vacuum.config.ts'), join(prefect.folder, 'vacuum.config.ts'));
    await prefect.type(
      `export PREFECT_API_DATABASE_CONNECTION_URL='postgresql+asyncpg://prefect:secret@localhost:5432/prefect'`,
    );
    await prefect.type('temporal-vacuum ledger migrate');
    const preview = (await json(prefect, 'temporal-vacuum preview --json')) as Counted;
    expect(preview.deleted['flow_run']).toBeGreaterThan(100);
    expect(await json(prefect, 'temporal-vacuum schedule apply --json')).toMatchObject({
      schedule: 'vacuum-prefect',
      applied: 'created',
      when: 'at 30 2 * * * in Asia/Bangkok',
    });
  });

  async function json(on: World, command: string): Promise<unknown> {
    const { code, output } = await on.type(`${command} > answer.json`);
    expect({ code, output }).toMatchObject({ code: 0 });
    return JSON.parse(readFileSync(join(on.folder, 'answer.json'), 'utf8'));
  }
});
