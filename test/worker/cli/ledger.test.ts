import { describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const fresh = FreshPrefect.forEach();

describe('ledger migrate', () => {
  test('makes the ledger once', async () => {
    const first = await cli(['ledger', 'migrate', ...fresh.at(), '--json']);
    expect(JSON.parse(first.stdout)).toEqual({ schema: 'vacuum', before: 'missing', now: 'current' });
    const second = await cli(['ledger', 'migrate', ...fresh.at()]);
    expect(second.stdout).toContain('the ledger in schema vacuum is current');
  });

  test('says what a role needs that makes backups, and a list of holds tells a missing ledger from no holds', async () => {
    const list = async (): Promise<string> => (await cli(['hold', 'list', ...fresh.at()])).stdout;
    expect(await list()).toContain(
      'this database has no ledger. If it was restored, its holds were not in the backup',
    );
    const { stderr } = await cli(['ledger', 'migrate', ...fresh.at()]);
    const role = `backup_${fresh.database.name}`;
    const [, grants = ''] = stderr.split('needs: ');
    const { database } = fresh;
    await database.rows(`create role ${role}`);
    try {
      await database.rows(grants.replaceAll('to the role', `to ${role}`));
      const closed = await database.rows(`
        select c.relname
        from pg_class as c
        where
          c.relnamespace = 'vacuum'::regnamespace and (
            (c.relkind = 'S' and not has_sequence_privilege('${role}', c.oid, 'select'))
            or (c.relkind = 'r' and not has_table_privilege('${role}', c.oid, 'select')))`);
      expect(closed).toEqual([]);
    } finally {
      await database.rows(`drop owned by ${role}; drop role ${role}`);
    }
    expect(await list()).toBe('no holds\n');
  });
});
