import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const fresh = FreshPrefect.forEach();

const CONFIG = `
  import { defineEntity, p } from '@mikro-orm/core';
  import { defineConfig, definePolicy, expireRows } from ${JSON.stringify(join(ROOT, 'index.ts'))};
  const Log = defineEntity({
    name: 'Log', tableName: 'log',
    properties: { id: p.uuid().primary(), level: p.integer(), timestamp: p.datetime() },
    filters: { none: { name: 'none', cond: { level: -1 }, default: true } },
  });
  const pass = { entity: Log, age: 'timestamp', olderThan: '30 days' };
  export default defineConfig({
    databases: { main: () => process.env['MAIN_URL'] ?? '' },
    policies: [
      definePolicy({ name: 'all', entities: [Log], passes: [expireRows({ name: 'old', ...pass })] }),
      definePolicy({ name: 'some', entities: [Log], passes: [expireRows({ name: 'old', ...pass, where: { level: { $gte: 0 } } })] }),
    ],
  });`;

test('filters of an entity hide no row from a pass, with and without a where', async () => {
  const folder = mkdtempSync(join(ROOT, '.cache', 'filters-'));
  writeFileSync(join(folder, 'vacuum.config.ts'), CONFIG);
  await fresh.rows.logs('00000000-0000-4000-8000-00000000000a', 3, '40 days');
  await fresh.rows.logs('00000000-0000-4000-8000-00000000000a', 2, '20 days');
  for (const policy of ['all', 'some']) {
    const { stdout } = await cli(['preview', policy, '--json'], {
      cwd: folder,
      env: { MAIN_URL: fresh.database.url },
    });
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { log: 3 } });
  }
  rmSync(folder, { recursive: true });
});
