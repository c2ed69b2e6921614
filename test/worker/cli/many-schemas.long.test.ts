import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { ROOT } from '../../support/parts/bring.ts';

const TENANTS = 300;

/** One policy over the same table in many schemas, and as many policies of one pass each. */
const CONFIG = `
  import { defineEntity, p } from '@mikro-orm/core';
  import { definePolicy, expireRows } from ${JSON.stringify(join(ROOT, 'index.ts'))};
  const tenants = Array.from({ length: ${TENANTS} }, (_, n) => 't_' + String(n + 1).padStart(3, '0'));
  const entities = tenants.map((schema) =>
    defineEntity({ name: 'Order_' + schema, tableName: 'orders', schema, properties: { id: p.integer().primary(), at: p.datetime() } }));
  const toPass = (entity, n) =>
    expireRows({ name: 'old-' + tenants[n].replace('_', '-'), entity, age: 'at', olderThan: '90 days' });
  export default {
    databases: { main: () => process.env['TENANTS_URL'] ?? '' },
    policies: [
      definePolicy({ name: 'all', enabled: true, entities, passes: entities.map(toPass) }),
      ...entities.map((entity, n) =>
        definePolicy({ name: tenants[n].replace('_', '-'), enabled: true, entities: [entity], passes: [toPass(entity, n)] })),
    ],
  };`;

describe('a database of several hundred schemas', () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(ROOT, '.cache', 'many-'));
  beforeAll(async () => {
    writeFileSync(join(folder, 'vacuum.config.ts'), CONFIG);
    database = await createDatabase('template1');
    for (let first = 1; first <= TENANTS; first += 50) {
      await database.rows(`
        do $$ begin
          for n in ${first}..${first + 49} loop
            execute format('create schema t_%1$s; create table t_%1$s.orders (id int primary key, at timestamptz not null);
              insert into t_%1$s.orders values (1, now() - interval ''91 days''), (2, now() - interval ''89 days'')', lpad(n::text, 3, '0'));
          end loop;
        end $$`);
    }
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
  });

  const type = async (...args: string[]): ReturnType<typeof cli> =>
    cli(args, { cwd: folder, env: { TENANTS_URL: database.url } });

  test('has a preview that fits a screen', async () => {
    const { code, stdout } = await type('preview', 'all');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe(
      'preview of policy all in schemas t_001, t_002, t_003 and 297 more: 300 rows would go, nothing was deleted',
    );
    expect(lines.length).toBeLessThanOrEqual(45);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(160);
    expect(stdout).toContain('and 285 tables more; --details lists them');
    expect(stdout).toContain('and 285 passes more; --details lists them');
  });

  test('has a doctor that folds findings of one kind, and lists them whole on request', async () => {
    const folded = await type('doctor', 'all');
    const lines = folded.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^policy all: (?:no problem|\d problems?), 30\d findings with advice, \d+ ok$/);
    expect(lines.filter((line) => line.includes('index on'))).toEqual([
      'advice  300 alike: index on t_001.orders.at, index on t_002.orders.at, index on t_003.orders.at and 297 more; --details lists them',
    ]);
    expect(folded.stdout)
      .toContain(`    The first: there is none; pass old-t-001 reads the whole table instead of the old rows
    create index concurrently on "t_001"."orders" ("at");\n`);
    expect(lines.length).toBeLessThan(20);

    const whole = await type('doctor', 'all', '--details');
    expect(whole.stdout.match(/^advice {2}index on t_\d+\.orders\.at: there is none/gm)).toHaveLength(
      TENANTS,
    );
    const { stdout } = await type('doctor', 'all', '--json');
    const findings = JSON.parse(stdout) as { about: string; fix?: string }[];
    expect(findings.filter(({ about }) => about.startsWith('index on'))).toHaveLength(TENANTS);
  });

  test('has a doctor to whom a schema that the role may not use is a finding', async () => {
    const role = `outside_${database.name}`;
    await database.rows(`create role ${role} login`);
    const url = new URL(database.url);
    url.username = role;
    const { code, stdout } = await cli(['doctor', 'all', '--json'], {
      cwd: folder,
      env: { TENANTS_URL: url.toString() },
    });
    await database.rows(`drop role ${role}`);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toContainEqual({
      about: 'database',
      state: 'problem',
      what: 'a privilege is missing (SQLSTATE 42501): permission denied for schema t_001',
    });
  });

  test('has messages that name the nearest of its policies, and not all', async () => {
    const { code, stderr } = await type('preview', 't-31');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /there is no policy "t-31"\. Write t-\d+ if that is meant; else name one of all, t-001, .* and 281 more/,
    );
    expect(stderr.length).toBeLessThan(500);
  });

  test('has mistakes of one kind in one line, and all of them on request', async () => {
    const empty = await createDatabase('template1');
    const ask = async (...args: string[]): ReturnType<typeof cli> =>
      cli(args, { cwd: folder, env: { TENANTS_URL: empty.url } });
    for (const words of [['preview'], ['run', '--execute']]) {
      const { code, stderr } = await ask(...words, 'all');
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n')).toEqual([
        'policy "all" cannot be used, nothing was deleted; 300 mistakes:',
        expect.stringMatching(/^ {2}- pass "old-t-001": entity Order_t_001 has no table .*t_001\.orders/),
        '    and 299 like it: pass "old-t-002", pass "old-t-003", pass "old-t-004" and 296 more; doctor --details lists them',
      ]);
    }
    const whole = await ask('preview', 'all', '--details');
    expect(whole.stderr.match(/^ {2}- pass "old-t-\d+": entity /gm)).toHaveLength(TENANTS);
    const doctor = await ask('doctor', 'all');
    expect(doctor.stdout).toMatch(
      /^problem {2}300 alike: pass "old-t-001", .* and 297 more; --details lists/m,
    );
    expect(doctor.stdout.trimEnd().split('\n').length).toBeLessThan(15);

    // The one that is of another kind is listed for itself.
    await database.rows(`
      alter table t_300.orders drop column at;
      do $$ begin for n in 1..11 loop execute format('drop schema t_%s cascade', lpad(n::text, 3, '0')); end loop; end $$`);
    const { stderr } = await type('preview', 'all');
    expect(stderr).toContain('12 mistakes');
    expect(stderr).toContain('and 10 like it: pass "old-t-002"');
    expect(stderr).toMatch(/^ {2}- pass "old-t-300": .*t_300\.orders\.at is missing/m);
    await empty.drop();
  });
});
