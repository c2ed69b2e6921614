import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  defineEntity,
  EntityCaseNamingStrategy,
  MetadataProvider,
  p,
  UnderscoreNamingStrategy,
} from '@mikro-orm/core';
import type { Options } from '@mikro-orm/postgresql';
import { MikroORM } from '@mikro-orm/postgresql';

import { expireRows } from '../../../../policy/expire-rows.ts';
import type { AnyEntity } from '../../../../policy/pass-options.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import { createDatabase } from '../../../support/database.ts';
import type { TestDatabase } from '../../../support/database.ts';
import { runEngine } from '../../../support/engine.ts';
import { runAsPreviewed } from '../../../support/truth.ts';

// A MikroORM instance that is given is used as it is configured: another naming strategy or schema means other tables.

const properties = { id: p.integer().primary(), closedAt: p.datetime().nullable() };
const Invoice = defineEntity({ name: 'Invoice', properties });
const CameraEvent = defineEntity({ name: 'cameraEvent', properties });
const Anywhere = defineEntity({ name: 'Anywhere', tableName: 'invoice', schema: '*', properties });
const Public = defineEntity({ name: 'Public', tableName: 'invoice', schema: 'public', properties });
const Customer = defineEntity({
  name: 'Customer',
  properties: { id: p.integer().primary(), name: p.string() },
});
const Bill = defineEntity({
  name: 'Bill',
  tableName: 'invoice',
  properties: { ...properties, customer: () => p.manyToOne(Customer).nullable() },
});

class Prefixed extends UnderscoreNamingStrategy {
  override classToTableName(name: string): string {
    return `crm_${super.classToTableName(name)}`;
  }
}

/** Finds what entities without types lack, as a provider that reads decorators does. */
class OwnProvider extends MetadataProvider {
  override loadEntityMetadata(): void {
    throw new Error('needs the settings of its host');
  }
}

describe('a MikroORM instance that is given', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create schema live;
      create table public.invoice (id integer primary key, closed_at timestamptz, customer_id integer);
      insert into invoice select n, now() - n * interval '1 day', 1 + n % 2 from generate_series(1, 20) as n;
      create table live.invoice (like invoice including all);
      insert into live.invoice table invoice;
      create table crm_invoice (like invoice including all);
      insert into crm_invoice table invoice;
      create table "cameraEvent" (id integer primary key, "closedAt" timestamptz);
      insert into "cameraEvent" select id, closed_at from invoice;
      create table public.customer (id integer primary key, name text);
      create table live.customer (id integer primary key, name text);
      insert into customer values (1, 'go'), (2, 'go');
      insert into live.customer values (1, 'go'), (2, 'stay')`);
  });
  afterEach(async () => database.drop());

  async function run(entity: AnyEntity, options: Partial<Options>, where?: object): Promise<unknown> {
    const orm = new MikroORM({
      clientUrl: database.url,
      discovery: { warnWhenNoEntities: false },
      ...options,
    } as Options);
    try {
      return await runAsPreviewed(orm, makePolicy(entity, where));
    } finally {
      await orm.close(true);
    }
  }
  const makePolicy = (entity: AnyEntity, where?: object): ReturnType<typeof definePolicy> =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [],
      limits: { maxPercent: 100 },
      passes: [
        expireRows({
          name: 'old',
          entity,
          age: 'closedAt',
          olderThan: '10 days',
          ...(where === undefined ? {} : { where: where as never }),
        }),
      ],
    });
  const count = async (table: string): Promise<number> => database.value(`select count(*) from ${table}`);

  // Whether the host knows the entities of the policy or not makes no difference.
  describe.each<[string, (entity: AnyEntity) => AnyEntity[]]>([
    ['with the entities of the policy', (entity) => [entity]],
    ['without them', () => []],
  ])('%s', (_, known) => {
    test('names tables by its naming strategy', async () => {
      expect(await run(Invoice, { namingStrategy: Prefixed, entities: known(Invoice) as never })).toEqual({
        old: { crm_invoice: 11 },
      });
      expect([await count('crm_invoice'), await count('invoice')]).toEqual([9, 20]);
    });

    test('names columns by its naming strategy', async () => {
      const options = { namingStrategy: EntityCaseNamingStrategy, entities: known(CameraEvent) as never };
      expect(await run(CameraEvent, options)).toEqual({ old: { cameraEvent: 11 } });
    });

    test('says the schema of entities without one', async () => {
      const options = { schema: 'live', entities: known(Invoice) as never };
      expect(await run(Invoice, options)).toEqual({ old: { 'live.invoice': 11 } });
      expect([await count('live.invoice'), await count('invoice')]).toEqual([9, 20]);
    });

    test('says the schema of entities that leave it open', async () => {
      const options = { schema: 'live', entities: known(Anywhere) as never };
      expect(await run(Anywhere, options, { id: { $lt: 15 } })).toEqual({ old: { 'live.invoice': 5 } });
    });

    test('does not change the schema of entities that say one', async () => {
      const options = { schema: 'live', entities: known(Public) as never };
      expect(await run(Public, options, { id: { $lt: 15 } })).toEqual({ old: { invoice: 5 } });
    });

    test('says the schema of the other entities of a filter', async () => {
      const options = { schema: 'live', entities: known(Bill) as never };
      expect(await run(Bill, options, { customer: { name: 'go' } })).toEqual({ old: { 'live.invoice': 6 } });
    });
  });

  const refusal = async (entity: AnyEntity): Promise<string> =>
    runEngine(database.url, makePolicy(entity)).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );

  test('is asked for where a URL has no schema for an entity that leaves it open', async () => {
    const said = await refusal(Anywhere);
    expect(said).toContain(
      'entity Anywhere leaves its schema to be chosen at run time, and nothing chooses one',
    );
    expect(said).toContain('Give the database as a MikroORM instance with a schema');
    expect(await count('invoice')).toBe(20);
  });

  test('is asked for where entities need its metadata provider', async () => {
    class Undecorated {
      id!: number;
    }
    const said = await refusal(Undecorated);
    expect(said).toContain('MikroORM cannot read its entities');
    expect(said).toContain('give the database as your MikroORM instance');
    await expect(run(Undecorated, { metadataProvider: OwnProvider })).rejects.toThrow(
      'needs the settings of its host',
    );
  });
});
