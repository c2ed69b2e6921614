import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, EntityCaseNamingStrategy, p, UnderscoreNamingStrategy } from '@mikro-orm/core';
import { SqliteDriver as OtherDriver } from '@mikro-orm/sql';
import type { Options } from '@mikro-orm/sqlite';
import { MikroORM } from '@mikro-orm/sqlite';

import { openDatabase } from '../../../../activities/ledger/database.ts';
import { expireRows } from '../../../../policy/expire-rows.ts';
import type { AnyEntity } from '../../../../policy/pass-options.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';
import { runAsPreviewed } from '../../../support/truth.ts';

// A MikroORM instance that is given is used as it is configured, and its file as every other file.

const properties = { id: p.integer().primary(), closedAt: p.datetime().nullable() };
const Invoice = defineEntity({ name: 'Invoice', properties });
const CameraEvent = defineEntity({ name: 'cameraEvent', properties });

class Prefixed extends UnderscoreNamingStrategy {
  override classToTableName(name: string): string {
    return `crm_${super.classToTableName(name)}`;
  }
}

const TWENTY = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 20)`;

describe('a MikroORM instance on SQLite', () => {
  let file: TestFile;

  beforeEach(() => {
    // Milliseconds since 1970, as MikroORM stores instants.
    file = createFile(`
      create table invoice (id integer primary key, closed_at datetime);
      create table crm_invoice (id integer primary key, closed_at datetime);
      create table cameraEvent (id integer primary key, closedAt datetime);
      ${TWENTY} insert into invoice select i, (unixepoch() - i * 86400) * 1000 from n;
      insert into crm_invoice select * from invoice;
      insert into cameraEvent select * from invoice`);
  });
  afterEach(() => file.drop());

  const makePolicy = (entity: AnyEntity): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [],
      limits: { maxPercent: 100 },
      passes: [expireRows({ name: 'old', entity, age: 'closedAt', olderThan: '10 days' })],
    });
  const createOrm = (options: Partial<Options>): MikroORM =>
    new MikroORM({ dbName: file.path, discovery: { warnWhenNoEntities: false }, ...options } as Options);

  async function run(entity: AnyEntity, options: Partial<Options>): Promise<unknown> {
    const orm = createOrm(options);
    try {
      const deleted = await runAsPreviewed(orm, makePolicy(entity));
      // It stays open, and goes on writing.
      await orm.em.getConnection().execute('insert into invoice values (100, null)');
      return deleted;
    } finally {
      await orm.close(true);
    }
  }

  describe.each<[string, (entity: AnyEntity) => AnyEntity[]]>([
    ['with the entities of the policy', (entity) => [entity]],
    ['without them', () => []],
  ])('%s', (_, known) => {
    test('names tables by its naming strategy', async () => {
      expect(await run(Invoice, { namingStrategy: Prefixed, entities: known(Invoice) as never })).toEqual({
        old: { crm_invoice: 11 },
      });
      expect(file.value('select count(*) from crm_invoice')).toBe(9);
      expect(file.value('select count(*) from invoice')).toBe(21);
      expect(file.value('pragma integrity_check')).toBe('ok');
    });

    test('names columns by its naming strategy', async () => {
      const options = { namingStrategy: EntityCaseNamingStrategy, entities: known(CameraEvent) as never };
      expect(await run(CameraEvent, options)).toEqual({ old: { cameraEvent: 11 } });
    });
  });

  const refusal = async (orm: MikroORM): Promise<string> => {
    try {
      const { ledger, close } = await openDatabase(orm as never);
      await ledger.migrate();
      await close();
      return 'nothing refused';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await orm.close(true);
    }
  };

  test('in memory is refused', async () => {
    expect(await refusal(createOrm({ dbName: ':memory:' }))).toContain(
      'names no SQLite file: a database in memory belongs to one connection alone',
    );
  });

  test('over another copy of the library is refused before the file is opened', async () => {
    const said = await refusal(createOrm({ driver: OtherDriver as never, entities: [] }));
    expect(said).toContain('works with another copy of SQLite');
    expect(said).toContain('npm ls better-sqlite3');
    expect(file.value(`select count(*) from sqlite_schema where name like 'vacuum%'`)).toBe(0);
  });
});
