import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { describeNeeding } from '../../support/needing.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { ProposedConfig, passesIn } from '../../support/proposed-config.ts';

describe('init', () => {
  let database: TestDatabase;
  let config: ProposedConfig;
  beforeAll(async () => {
    database = await createDatabase('template1');
    await database.pool.query(readFileSync(join(ROOT, 'test/support/init/office.sql'), 'utf8'));
  });
  beforeEach(() => {
    config = new ProposedConfig(database.url);
  });
  afterEach(() => config.remove());
  afterAll(async () => database.drop());

  test('proposes passes for what grows, with the rows that go along, and a reason for each other table', async () => {
    const text = await config.init();
    await config.compile();
    // Nothing is deleted before somebody enables it.
    expect(text).toContain('enabled: false,');
    expect(passesIn(text)).toEqual({
      job: expect.stringMatching(
        /age: 'finishedAt',\s+olderThan: '90 days',\s+where: \{ status: \{ \$in: \['succeeded', 'failed'\] \} \},/,
      ),
      'login-token': expect.stringMatching(/age: 'expiresAt',\s+olderThan: '1 day',/),
      'audit-log': expect.stringMatching(/age: 'happenedAt',/),
      price: expect.stringMatching(/age: 'at',/),
      click: expect.stringMatching(/age: epoch\('createdMs', 'ms'\),/),
      // Names that are no words.
      'table-with-a-name-that-is-as-long-as-it-may-be-event': expect.stringMatching(/age: 'at',/),
      'table-with-a-name-that-is-as-long-as-it-may-be-event-2': expect.stringMatching(/age: 'at',/),
      'rest-of-sensor-log': expect.stringMatching(
        /entity: SensorLog,\s+age: 'at',\s+olderThan: '90 days',\s+\}\)/,
      ),
      'sensor-log': expect.stringMatching(/entity: SensorLog,\s+age: 'at',\s+olderThan: '90 days',\s+\}\)/),
      'it-s-quoted-event': expect.stringMatching(/age: 'whenSIt',/),
    });
    expect(text).toMatch(
      /with: \[\s+softChild\(\{\s+entity: JobStep,\s+by: 'jobId',\s+with: \[\s+softChild\(\{ entity: StepMessage, by: 'jobStepId' \}\),\s+\],\s+\}\),\s+\/\/   softChild\(\{ entity: JobNote, by: 'jobId' \}\),\s+\],/,
    );
    const comments = text.replaceAll(/\n\s*\/\/ /g, ' ');
    expect(comments).toContain('the preview counts, what references it by: job_output.job_id.');
    expect(comments).toContain('cuts these references to a row: bookmark.job_id.');
    expect(comments).toContain('or a row that goes with it: invoice.job_id, output_copy.output_id.');
    expect(comments).toContain('Rows with queued, running, retrying stay.');
    expect(comments).toContain('finished_at (indexed; null in 25 % of the rows, which stay)');
    expect(comments).toContain('image_path seems to record files.');
    expect(text).toContain('dropPartitions({');
    expect(comments).toContain(
      'sensor_log: 1 partition by range of at. Those of which all rows are old are dropped whole.',
    );
    expect(comments).toContain('- import_batch_result: its name says');
    expect(comments).toContain('- Job Note: its name says that its rows belong to things that happened');
    for (const table of ['customer', 'invoice', 'bookmark', 'attachment']) {
      expect(text).toMatch(new RegExp(`^    ${table}: '.*nothing shows that it grows',$`, 'm'));
    }
    // What the file says of the values of rows are words of states, and nothing else.
    expect(text).not.toMatch(/customer 1|images\/|somebody/);
  });

  test('a file that is there stays as it is, until it is told to go', async () => {
    writeFileSync(config.file, '// mine\n');
    const { code, stderr } = await config.type('init', '--url', database.url);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('Name another file with --out, or say --force to overwrite it'),
    });
    expect(config.text).toBe('// mine\n');
    const printed = await cli(['init', '--url', database.url, '--out', '-'], { cwd: config.folder });
    expect(config.text).toBe('// mine\n');
    writeFileSync(config.file, 'export default { databases: {}, policies: [] };\n');
    await config.init('--force', '--out', 'vacuum.config.ts', '--url', database.url);
    expect(config.text).toBe(printed.stdout);
  });

  test('--check lists tables without a policy and without a reason, and fails for them', async () => {
    await config.init();
    const check = async (): Promise<object> => {
      const { code, stdout } = await config.type('init', '--check', '--json');
      return { code, ...(JSON.parse(stdout) as object) };
    };
    expect(await check()).toEqual({ code: 1, main: ['Job Note', 'import_batch_result'] });
    config.edit(['  waived: {', `  waived: {\n    'Job Note': 'kept', import_batch_result: 'no age',`]);
    expect(await check()).toEqual({ code: 0, main: [] });
    await database.rows('create table newcomer (id int primary key)');
    try {
      const { code, stdout, stderr } = await config.type('init', '--check');
      expect({ code, stdout }).toEqual({ code: 1, stdout: 'newcomer  (database main)\n' });
      expect(stderr).toContain('Declare a pass for each, or name it in `waived`');
    } finally {
      await database.rows('drop table newcomer');
    }
  });
});

describe('what init cannot know', () => {
  test('is said of partitions that cannot be dropped, beside passes for those that can', async () => {
    const database = await createDatabase('template1');
    const config = new ProposedConfig(database.url);
    try {
      await database.rows(`
        create table visit (id int not null, at date not null, primary key (id, at)) partition by range (at);
        create table visit_2020 partition of visit for values from ('2020-01-01') to ('2021-01-01');
        create table visit_default partition of visit default;
        insert into visit select n, '2020-05-01' from generate_series(1, 20) as n;
        insert into visit select n, '2021-05-01' from generate_series(1, 3) as n;
        insert into visit values (1, current_date);
        create table number_log (id int) partition by range (id);
        create table message (id int not null, at date not null, primary key (id, at)) partition by range (at);
        create table message_2020 partition of message for values from ('2020-01-01') to ('2021-01-01');
        create table copy (id int, at date, foreign key (id, at) references message on delete cascade);
        insert into message select n, '2020-05-01' from generate_series(1, 5) as n;
        insert into copy values (1, '2020-05-01');
        create table job_run (id int, tenant int, state text, ended_at timestamptz, created_at timestamptz not null)
          partition by list (tenant);
        create table job_run_1 partition of job_run for values in (1);
        create table job_run_2 partition of job_run for values in (2);
        insert into job_run
        select n, 1 + n % 2, case when n % 3 = 0 then 'running' else 'done' end, now() - n * interval '1 day', now()
        from generate_series(1, 120) as n;
        create table click (id int, at timestamptz not null) partition by hash (id);
        create table click_0 partition of click for values with (modulus 1, remainder 0);
        create function refuse() returns trigger language plpgsql as 'begin return null; end';
        create trigger told after delete on click for each statement execute function refuse();
        analyze job_run`);
      const text = await config.init();
      await config.compile();
      const passes = passesIn(text);
      expect(Object.keys(passes).toSorted()).toEqual(['job-run', 'message', 'rest-of-visit', 'visit']);
      expect(Object.keys(passes).indexOf('visit')).toBeLessThan(Object.keys(passes).indexOf('rest-of-visit'));
      const comments = text.replaceAll(/\n\s*\/\/ /g, ' ');
      expect(comments).toContain('visit: 2 partitions by range of at.');
      expect(comments).toContain('- number_log: partitioned by range: not of one point in time');
      expect(comments).toContain('since it is partitioned by range: a drop would not do what');
      expect(comments).toContain('job_run: 120 rows');
      expect(comments).toContain('since it is partitioned by list: bounds do not tell how old rows are');
      expect(passes['job-run']).toContain("age: 'endedAt'");
      expect(passes['job-run']).toContain("where: { state: { $in: ['done'] } }");
      expect(comments).toContain('- click: its trigger told fires once for a statement');
      // Of the runs that ended 90 to 120 days ago every third still runs.
      const { deleted } = await config.preview();
      expect(deleted).toEqual({ visit: 23, message: 5, copy: 1, job_run: 20 });
    } finally {
      config.remove();
      await database.drop();
    }
  });

  test('is said at the pass: states without words, marks of deleted rows, and to whom rows belong', async () => {
    const database = await createDatabase('template1');
    const config = new ProposedConfig(database.url);
    try {
      await database.rows(`
        create table ticket (id int primary key);
        create table ticket_message (
          id int primary key, ticket_id int not null references ticket on delete cascade, sent_at timestamptz not null, deleted bool);
        create table mail_outbox (id int primary key, state smallint not null, created_at timestamptz not null);
        create table activity_log (id int primary key, subject_type text, subject_id int, logged_at timestamptz not null);
        create table plain_log (id int primary key, logged_at timestamptz not null)`);
      const comments = (await config.init()).replaceAll(/\n\s*\/\/ /g, ' ');
      expect(comments).toContain('A row belongs to one of ticket: it is deleted by its own age');
      expect(comments).toContain('deleted seems to mark deleted rows');
      expect(comments).toContain('state seems to be a state, and no value of it is known to be the last one');
      expect(comments).toContain('subject_type and subject_id reference rows of several tables');
      const [, ofPlain = ''] = /plain_log: ([^]*?)expireRows/.exec(comments) ?? [];
      expect(ofPlain).toContain('Age: logged_at');
      expect(ofPlain).not.toMatch(/seems to mark|seems to be a state|reference rows|belongs to/);
    } finally {
      config.remove();
      await database.drop();
    }
  });
});

describeNeeding(['temporal'], 'what init proposes', () => {
  test('runs: what the preview counts is deleted, and what it guessed to be in use stays', async () => {
    const database = await createDatabase('template1');
    await database.pool.query(readFileSync(join(ROOT, 'test/support/init/office.sql'), 'utf8'));
    const config = new ProposedConfig(database.url);
    await config.init();
    config.edit(['enabled: false', 'enabled: true']);
    const preview = await config.preview();
    const run = await config.run();
    expect(run).toMatchObject({ status: 'completed', deleted: preview.deleted });
    // Jobs are an hour apart, each fourth still runs; 90 days are 2160 hours.
    const jobs = await database.value(
      `select count(*) from generate_series(1, 4000) as n where n % 4 > 0 and n * interval '1 hour' - interval '1 minute' > '90 days'`,
    );
    expect(run.deleted).toEqual({
      job: jobs,
      job_output: jobs,
      job_step: jobs,
      step_message: jobs,
      login_token: 50,
      audit_log: 110,
      click: 211,
      price: 20_000 - 90 * 144 + 1,
    });
    expect(await database.value(`select count(*) from job where status = 'running'`)).toBe(1000);
    expect(await database.value('select count(*) from invoice where job_id is not null')).toBeGreaterThan(0);
    expect(await database.value('select count(*) from customer')).toBe(50);
    config.remove();
    await database.drop();
  });
});

describe('init in a database of Prefect', () => {
  const fresh = FreshPrefect.forEach();

  test('uses the preset, disabled; each other table is waived, and the preview is that of the preset', async () => {
    const config = new ProposedConfig(fresh.database.url);
    const text = await config.init();
    expect(text).toContain('policies: [prefect({ enabled: false })],');
    await fresh.rows.run({ ended: '200 days', logs: 2 });
    expect((await config.preview()).deleted).toMatchObject({ flow_run: 1, log: 2 });
    const { code, stdout } = await config.type('init', '--check', '--json');
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({ code: 0, main: [] });
    config.remove();
  });
});
