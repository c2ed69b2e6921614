import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, expect, test } from '@jest/globals';

import { ApplicationDatabases } from '../../support/application-database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { describeNeeding } from '../../support/needing.ts';
import { DJANGO, need, PG_BOSS, ROOT } from '../../support/parts/bring.ts';

const execute = promisify(execFile);

/** The part of pg-boss that the test uses. */
interface Boss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<void>;
  createQueue(name: string, options?: { readonly partition: boolean }): Promise<void>;
  supervise(): Promise<void>;
  stop(options: { readonly graceful: boolean }): Promise<void>;
}

/** Rows of one table by their keys, sorted. */
const listRows = async (database: TestDatabase, table: string, key: string): Promise<unknown[]> =>
  database.rows(`select ${key} from ${table} order by ${key}`);

// The schema is made by the application's own migrations, and its own cleaner works on a copy of the database.
describeNeeding(['temporal'], 'what init proposes for the database of', () => {
  const databases = new ApplicationDatabases();
  afterEach(async () => databases.drop());

  test('Django: the sessions that clearsessions deletes, and old lines of the admin’s log', async () => {
    await need(DJANGO);
    const database = await databases.open();
    const django = async (url: string, command: string): Promise<unknown> =>
      execute(join(DJANGO.path, '../python'), ['-m', 'django', command], {
        env: {
          ...process.env,
          TEST_DJANGO_URL: url,
          PYTHONPATH: join(ROOT, 'test/support/applications'),
          DJANGO_SETTINGS_MODULE: 'django_settings',
        },
      });
    await django(database.url, 'migrate');
    await database.pool.query(`
      insert into auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
      values ('', true, 'admin', '', '', '', true, true, now() - interval '5 years');
      insert into django_session
      select md5(n::text), 'data', now() + (n - 300) * interval '3 hours' + interval '1 hour' from generate_series(1, 500) as n;
      insert into django_admin_log (action_time, object_repr, action_flag, change_message, user_id)
      select now() - n * interval '1 day' - interval '1 hour', 'x', 1, '', (select id from auth_user) from generate_series(1, 200) as n`);
    const theirs = await databases.copy(database);
    await django(theirs.url, 'clearsessions');

    const config = databases.propose(database);
    const text = await config.init();
    await config.compile();
    expect(text).toContain('This is a Django database.');
    // clearsessions keeps no session after its end, and most of the sessions are over.
    config.edit(
      ["olderThan: '1 day'", "olderThan: '1 hour'"],
      ['  enabled: false,', '  enabled: true,\n  limits: { maxPercent: 100 },'],
    );
    expect(await config.countEditedLines()).toBeLessThanOrEqual(10);
    const preview = await config.preview();
    expect(await config.run()).toMatchObject({ status: 'completed', deleted: preview.deleted });
    expect(preview.deleted).toEqual({ django_session: 299, django_admin_log: 111 });
    const [left, wanted] = [
      await listRows(database, 'django_session', 'session_key'),
      await listRows(theirs, 'django_session', 'session_key'),
    ];
    expect(left).toHaveLength(201);
    expect(left).toEqual(wanted);
    expect(await database.value('select count(*) from auth_user')).toBe(1);
    expect(await config.type('init', '--check')).toMatchObject({ code: 0 });
  });

  test('pg-boss: the jobs that its maintenance deletes, in every partition', async () => {
    await need(PG_BOSS);
    const { PgBoss } = (await import(PG_BOSS.path)) as { PgBoss: new (options: object) => Boss };
    const withBoss = async (url: string, work: (boss: Boss) => Promise<void>): Promise<void> => {
      const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false });
      const errors: Error[] = [];
      boss.on('error', (error) => errors.push(error));
      await boss.start();
      await work(boss);
      await boss.stop({ graceful: false });
      expect(errors).toEqual([]);
    };
    const database = await databases.open();
    await withBoss(database.url, async (boss) => {
      await boss.createQueue('mail');
      await boss.createQueue('report', { partition: true });
    });
    await database.pool.query(`
      insert into pgboss.job (name, state, created_on, completed_on, keep_until)
      select (array['mail', 'report'])[1 + n % 2],
        (array['created', 'retry', 'active', 'completed', 'cancelled', 'failed'])[1 + n / 2 % 6]::pgboss.job_state,
        now() - n * interval '1 hour' - interval '30 minutes',
        case when n / 2 % 6 > 2 then now() - n * interval '1 hour' + interval '30 minutes' end,
        now() - n * interval '1 hour' + interval '14 days' + interval '30 minutes'
      from generate_series(1, 1200) as n;
      analyze`);
    const theirs = await databases.copy(database);
    await withBoss(theirs.url, async (boss) => boss.supervise());

    const config = databases.propose(database);
    await config.init();
    await config.compile();
    // Jobs that are over stay for seven days, and others until keep_until.
    const waiting = `expireRows({ name: 'waiting', entity: Job, age: 'keepUntil', olderThan: 0, allowShort: true, where: { state: { $in: ['created', 'retry'] } } }),`;
    config.edit(
      ['  passes: [', `  passes: [\n${waiting}`],
      ['  enabled: false,', '  enabled: true,\n  limits: { maxPercent: 100 },'],
      ["olderThan: '90 days'", "olderThan: '7 days'"],
    );
    await config.compile();
    expect(await config.countEditedLines()).toBeLessThanOrEqual(10);
    const preview = await config.preview();
    expect(await config.run()).toMatchObject({ status: 'completed', deleted: preview.deleted });
    const [left, wanted] = [
      await listRows(database, 'pgboss.job', 'id'),
      await listRows(theirs, 'pgboss.job', 'id'),
    ];
    expect(wanted.length).toBeGreaterThan(100);
    expect(wanted.length).toBeLessThan(900);
    expect(left).toEqual(wanted);
  });
});
