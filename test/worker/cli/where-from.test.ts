import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { describeNeeding } from '../../support/needing.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { temporalAddress } from '../../support/temporal.ts';

const fresh = FreshPrefect.forEach();

describe('where the database comes from', () => {
  test.each([
    'VACUUM_DATABASE_URL',
    'PREFECT_SERVER_DATABASE_CONNECTION_URL',
    'PREFECT_API_DATABASE_CONNECTION_URL',
    'PREFECT_DB_URL_SYNC',
  ])('%s', async (name) => {
    const url = fresh.database.url.replace(
      'postgresql:',
      name.includes('SYNC') ? 'postgresql+psycopg2:' : 'postgresql+asyncpg:',
    );
    const { code } = await cli(['preview', 'prefect', '--json'], { env: { [name]: url } });
    expect(code).toBe(0);
  });

  test('a configuration file with policies of one’s own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-config-'));
    writeFileSync(
      join(folder, 'vacuum.config.ts'),
      `import { defineConfig } from '${join(ROOT, 'worker/config.ts')}';
       import { prefect } from '${join(ROOT, 'index.ts')}';
       export default defineConfig({
         databases: { main: () => process.env['MY_DATABASE'] ?? '' },
         policies: [prefect({ enabled: true, retentionPeriod: '2 days' })],
       });`,
    );
    await fresh.rows.run({ ended: '3 days' });
    const { code, stdout } = await cli(['preview', '--json'], {
      cwd: folder,
      env: { MY_DATABASE: fresh.database.url },
    });
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { flow_run: 1 } });
  });

  describe('a configuration file without TypeScript', () => {
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-config-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const preview = async (...words: string[]): ReturnType<typeof cli> =>
      cli(['preview', ...words], { cwd: folder, env: { MY_DATABASE: fresh.database.url } });
    const write = (name: string, settings: object): void => {
      writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
      writeFileSync(
        join(folder, name),
        `import { readFileSync } from 'node:fs';
         import { defineConfig, prefect } from '${join(ROOT, 'index.ts')}';
         const settings = JSON.parse(readFileSync(new URL('settings.json', import.meta.url), 'utf8'));
         export default defineConfig({
           databases: { main: () => process.env['MY_DATABASE'] ?? '' },
           policies: [prefect(settings)],
         });`,
      );
    };

    test.each(['vacuum.config.js', 'vacuum.config.mjs'])(
      'is found as %s, with its settings',
      async (name) => {
        write(name, { retentionPeriod: '2 days' });
        await fresh.rows.run({ ended: '3 days' });
        await fresh.rows.run({ ended: '1 day' });
        const { code, stdout } = await preview('--json');
        rmSync(join(folder, name));
        expect(code).toBe(0);
        expect(JSON.parse(stdout)).toMatchObject({ deleted: { flow_run: 1 } });
      },
    );

    test('has its mistakes told, and JSON is no configuration', async () => {
      write('vacuum.config.mjs', { retentionPeriod: '2 lunches' });
      const wrong = await preview();
      expect(wrong).toMatchObject({ code: 2, stdout: '' });
      expect(wrong.stderr).toMatch(/retentionPeriod: .*2 lunches/);
      const json = await preview('--config', 'settings.json');
      expect(json).toMatchObject({ code: 2, stdout: '' });
      expect(json.stderr).toContain('Write vacuum.config.mjs, which may read settings from this file');
    });
  });
});

describeNeeding(['temporal'], 'where Temporal is', () => {
  async function answering(env: NodeJS.ProcessEnv): Promise<string | undefined> {
    const { stdout } = await cli(['doctor', 'prefect', ...fresh.at(), '--json'], { env });
    const findings = JSON.parse(stdout) as { about: string; what: string }[];
    return findings.find(({ about }) => about === 'Temporal')?.what;
  }

  test('TEMPORAL_ADDRESS', async () => {
    expect(await answering({ TEMPORAL_ADDRESS: temporalAddress() })).toBe(`${temporalAddress()} responds`);
  });

  test('a profile of temporal.toml', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-config-'));
    const file = join(folder, 'temporal.toml');
    writeFileSync(file, `[profile.work]\naddress = "${temporalAddress()}"\n`);
    const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'work' };
    expect(await answering(env)).toBe(`${temporalAddress()} responds`);
    rmSync(folder, { recursive: true });
  });

  test('nowhere', async () => {
    const said = await answering({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(said).toContain('Temporal at 127.0.0.1:1 does not respond');
    expect(said).toContain('Check the address that was given, TEMPORAL_ADDRESS');
  });
});
