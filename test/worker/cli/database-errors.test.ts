import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { USE_MADE_BUNDLE } from '../../support/made-bundle.ts';
import { withoutOwnSettings } from '../../support/own-settings.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { temporalAddress } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';

const CONFIG = ['--config', 'test/support/stops.config.ts'];

let database: TestDatabase;
let role: string;

beforeEach(async () => {
  database = await createDatabase('template0');
  role = `stops_${database.name}`;
  await database.rows(`
    create table owner (id integer primary key);
    create table thing (id integer primary key, owner_id integer references owner, state text not null, at timestamptz not null);
    create index on thing (at);
    create index on thing (owner_id);
    insert into owner values (1);
    insert into thing select n, 1, 'done', now() - interval '60 days' from generate_series(1, 10) as n;
    create role ${role} login`);
});
afterEach(async () => {
  await database.drop();
});

function urlFor(user: string): string {
  const url = new URL(database.url);
  url.username = user;
  return url.toString();
}

async function run(args: readonly string[], url = database.url): Promise<CliResult> {
  const address = args[0] === 'doctor' ? ['--address', temporalAddress()] : [];
  return cli([...args, ...address, ...CONFIG], { env: { STOPS_DATABASE_URL: url } });
}

/** One sentence or a list of mistakes, and never a stack. */
function expectNoStack({ stderr, stdout }: CliResult): void {
  expect(`${stdout}\n${stderr}`).not.toMatch(/\n\s+at |node:internal|an unexpected error/);
}

describe('a filter that fails in the database', () => {
  const failures: [string, string][] = [
    ['column', 'column "nosuch" does not exist'],
    ['data', 'division by zero'],
    ['cast', 'invalid input syntax'],
  ];

  test.each(failures)('is refused with its pass by preview: %s', async (policy, why) => {
    const done = await run(['preview', policy]);
    expectNoStack(done);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain('pass "things"');
    expect(done.stderr).toContain(why);
  });

  test.each(failures)('does not keep doctor and stats from what else they found: %s', async (policy) => {
    const examined = await run(['doctor', policy]);
    expectNoStack(examined);
    expect(examined.stdout).toContain('PostgreSQL');
    expect(examined.stdout).toContain('ledger');
    const stats = await run(['stats', policy]);
    expectNoStack(stats);
    expect(stats.code).toBe(0);
    expect(stats.stdout).toContain('thing');
    expect(stats.stdout).toContain('its condition fails in the database');
  });

  test('for want of a privilege: the advice is a grant', async () => {
    await database.rows(`grant select, update, delete on thing to ${role}`);
    const done = await run(['preview', 'relation'], urlFor(role));
    expectNoStack(done);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain('the database role may not read something that its condition reaches into');
    expect(done.stderr).toContain('permission denied for table owner');
    expect(done.stderr).toContain('Grant select');
    const examined = await run(['doctor', 'relation'], urlFor(role));
    expectNoStack(examined);
    expect(examined.stdout).toContain('permission denied for table owner');
  });
});

describe('a database that is read-only by a setting of the role', () => {
  beforeEach(async () => {
    await run(['ledger', 'migrate']);
    await database.rows(
      `alter role ${role} superuser; alter role ${role} set default_transaction_read_only = on`,
    );
  });

  test('is previewed, and the preview says that it is not kept', async () => {
    const done = await run(['preview', 'plain'], urlFor(role));
    expectNoStack(done);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('10 rows would go');
    expect(done.stderr).toContain('default_transaction_read_only');
  });

  test('is refused by run and named by doctor', async () => {
    for (const command of [
      ['run', 'plain', '--execute'],
      ['doctor', 'plain'],
    ]) {
      const done = await run(command, urlFor(role));
      expectNoStack(done);
      expect(`${done.stdout}${done.stderr}`).toContain('default_transaction_read_only is on');
      expect(done.code).not.toBe(0);
    }
    expect(await database.value('select count(*) from thing')).toBe(10);
  });

  test.each([
    [['hold', 'add', 'Thing', '3', '--policy', 'plain', '--reason', 'x']],
    [['acknowledge', 'plain']],
  ])('ends %j in one sentence', async (command) => {
    await database.rows(
      `insert into vacuum.guard (policy, known_run, blocked, blocked_at) values ('plain', 1, '[]', now())`,
    );
    const done = await run(command, urlFor(role));
    expectNoStack(done);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('the database is read-only');
  });
});

test('a role whose transactions may last only a moment can preview, measure and run', async () => {
  await run(['ledger', 'migrate']);
  await database.rows(`
    alter role ${role} superuser;
    alter role ${role} set transaction_timeout = '150ms';
    create function linger() returns trigger language plpgsql as
      'begin if old.id = 4 then perform pg_sleep(0.4); end if; return old; end';
    create trigger linger before delete on thing for each row execute function linger()`);
  for (const command of [
    ['preview', 'plain'],
    ['stats', 'plain'],
    ['run', 'plain', '--execute', '--temporal', 'dev'],
  ]) {
    const done = await run(command, urlFor(role));
    expectNoStack(done);
    expect({ command, code: done.code, stderr: done.stderr }).toMatchObject({ command, code: 0 });
  }
  expect(await database.value('select count(*) from thing')).toBe(0);
});

test('settings that only a superuser may change are named by doctor', async () => {
  await database.rows(`alter role ${role} superuser; alter role ${role} set temp_file_limit = '64kB'`);
  const { stdout } = await run(['doctor', 'plain'], urlFor(role));
  expect(stdout).toContain('temp_file_limit is 64kB');
});

test('a published table without a replica identity is refused before a run, with its name', async () => {
  await database.rows('alter table thing replica identity nothing; create publication p for table thing');
  for (const command of [
    ['run', 'plain', '--execute'],
    ['doctor', 'plain'],
  ]) {
    const done = await run(command);
    expectNoStack(done);
    expect(`${done.stdout}${done.stderr}`).toMatch(/table thing: cannot delete from table "thing"/);
    expect(`${done.stdout}${done.stderr}`).toContain('replica identity full');
  }
  expect((await run(['preview', 'plain'])).stdout).toContain('10 rows would go');
});

test.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  '%s ends the statement of a preview on the server',
  async (signal) => {
    const mine = `select count(*) from pg_stat_activity where datname = current_database() and query like '%pg_sleep(600)%' and pid <> pg_backend_pid() and state = 'active'`;
    const done = await cli(['preview', 'slow', ...CONFIG], {
      env: { STOPS_DATABASE_URL: database.url },
      onStart: (child) => {
        void waitFor('the statement', async () => (await database.value(mine)) > 0).then(() =>
          child.kill(signal),
        );
      },
    });
    expectNoStack(done);
    await waitFor('its end', async () => (await database.value(mine)) === 0);
  },
);

describe('a reader that leaves', () => {
  async function leave(args: readonly string[], from: 'stdout' | 'stderr'): Promise<CliResult> {
    return cli([...args, ...CONFIG], {
      env: { STOPS_DATABASE_URL: database.url },
      onStart: (child) => child[from]?.destroy(),
    });
  }

  test.each(['preview', 'stats'])('of %s ends it in silence', async (command) => {
    expectNoStack(await leave([command, 'plain'], 'stdout'));
  });

  test('after the first line of a pipe of a shell lets a run go on', async () => {
    const words = [
      process.execPath,
      join(ROOT, 'worker/cli/main.ts'),
      'run',
      'plain',
      '--execute',
      ...CONFIG,
    ];
    const command = [...words, '--temporal', 'dev'].map((word) => `'${word}'`).join(' ');
    const { stdout } = await promisify(execFile)('bash', ['-o', 'pipefail', '-c', `${command} | head -n 1`], {
      cwd: ROOT,
      env: { ...withoutOwnSettings(process.env), ...USE_MADE_BUNDLE, STOPS_DATABASE_URL: database.url },
    });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(await database.value('select count(*) from thing')).toBe(0);
    expect(await database.value('select count(*) from vacuum.run where ended_at is null')).toBe(0);
  });

  test.each(['stdout', 'stderr'] as const)('of the %s of a run lets the run go on', async (from) => {
    const { code, stderr } = await leave(['run', 'plain', '--execute', '--temporal', 'dev'], from);
    expect({ code, stack: /\n\s+at /.test(stderr) }).toEqual({ code: 0, stack: false });
    expect(await database.value('select count(*) from thing')).toBe(0);
    expect(await database.value('select count(*) from vacuum.run where ended_at is null')).toBe(0);
  });
});
