import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, expect, test } from '@jest/globals';

import { examineDatabase } from '../../activities/inspect/doctor.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { readBlocks } from '../support/docs/markdown.ts';
import { readPage } from '../support/docs/pages.ts';
import { makeFastFolder } from '../support/memory-disk.ts';
import { ROOT } from '../support/parts/bring.ts';
import { runAsPreviewed } from '../support/truth.ts';

/** An application: its tables as its documentation or its migrations define them, rows, and what its cleaner deletes. */
interface Application {
  readonly file: string;
  readonly tables: string;
  readonly cleaner: string;
  /** The tables, each with the key of its rows. */
  readonly rows: Readonly<Record<string, string>>;
}

const APPLICATIONS: readonly Application[] = [
  {
    file: 'airflow.ts',
    tables: `
      create table dag_run (
        id serial primary key, dag_id varchar(250) not null, run_id varchar(250) not null, run_type varchar(50) not null,
        start_date timestamptz, unique (dag_id, run_id));
      create table task_instance (
        id uuid primary key default gen_random_uuid(), dag_id varchar(250), run_id varchar(250), task_id varchar(250),
        start_date timestamptz, foreign key (dag_id, run_id) references dag_run (dag_id, run_id) on delete cascade);
      create index ti_dag_run on task_instance (dag_id, run_id);
      create table job (id serial primary key, state varchar(20), latest_heartbeat timestamptz);
      create table log (id serial primary key, dttm timestamptz, event varchar(60));
      create index idx_log_dttm on log (dttm);
      insert into dag_run (dag_id, run_id, run_type, start_date)
      select 'dag ' || n % 5, 'run ' || n, case when n % 3 = 0 then 'manual' else 'scheduled' end,
        case when n % 11 <> 0 then now() - n * interval '1 day' - interval '1 hour' end
      from generate_series(60, 130) as n where n % 5 <> 0 or n > 95;
      insert into task_instance (dag_id, run_id, task_id, start_date) select dag_id, run_id, 'task', start_date from dag_run;
      insert into job (state, latest_heartbeat)
      select case when n % 4 = 0 then 'running' else 'success' end, now() - n * interval '1 day' - interval '1 hour'
      from generate_series(80, 100) as n;
      insert into log (dttm) select now() - n * interval '1 day' - interval '1 hour' from generate_series(1, 120) as n;`,
    cleaner: `
      delete from dag_run as d
      where d.start_date < now() - interval '90 days' and (d.dag_id, d.start_date) not in (
        select dag_id, max(start_date) from dag_run where run_type <> 'manual' and start_date is not null group by dag_id);
      delete from task_instance where start_date < now() - interval '90 days';
      delete from job where latest_heartbeat < now() - interval '90 days';
      delete from log where dttm < now() - interval '90 days'`,
    rows: { dag_run: 'id', task_instance: 'run_id', job: 'id', log: 'id' },
  },
  {
    file: 'dagster.ts',
    tables: `
      create table job_ticks (
        id serial primary key, job_origin_id varchar(255), status varchar(63), type varchar(63), timestamp timestamp, tick_body text);
      create index idx_tick_timestamp on job_ticks (job_origin_id, timestamp);
      insert into job_ticks (status, timestamp)
      select (array['SKIPPED', 'FAILURE', 'SUCCESS', 'STARTED'])[n % 4 + 1],
        (now() at time zone 'UTC') - n * interval '6 hours' - interval '13 hours'
      from generate_series(0, 200) as n
      where n not between 24 and 28 and n not between 114 and 120;`,
    cleaner: `
      delete from job_ticks
      where (status = 'SKIPPED' and timestamp < (now() at time zone 'UTC') - interval '7 days')
        or (status = 'FAILURE' and timestamp < (now() at time zone 'UTC') - interval '30 days')`,
    rows: { job_ticks: 'id' },
  },
  {
    file: 'n8n.ts',
    tables: `
      create table execution_entity (
        id serial primary key, status varchar not null, "stoppedAt" timestamptz(3), "deletedAt" timestamptz(3));
      create table execution_data (
        "executionId" int primary key references execution_entity on delete cascade, data text not null);
      create index idx_execution_stopped on execution_entity ("stoppedAt", status, "deletedAt")
        where "stoppedAt" is not null and "deletedAt" is null;
      create index idx_execution_deleted on execution_entity ("deletedAt");
      insert into execution_entity (status, "stoppedAt", "deletedAt")
      select (array['success', 'error', 'waiting', 'running'])[n % 4 + 1], now() - n * interval '1 minute' - interval '30 seconds',
        case when n % 7 = 0 then now() - n * interval '1 minute' - interval '30 seconds' end
      from generate_series(0, 30000) as n;
      insert into execution_data select id, 'data' from execution_entity where id % 10 = 0;`,
    cleaner: `
      delete from execution_entity where "deletedAt" < now() - interval '1 hour';
      delete from execution_entity
      where "deletedAt" is null and status not in ('new', 'running', 'waiting') and (
        "stoppedAt" < now() - interval '14 days' or "stoppedAt" < (
          select "stoppedAt" from execution_entity
          where "deletedAt" is null and status not in ('new', 'running', 'waiting')
          order by "stoppedAt" desc limit 1 offset 9999))`,
    rows: { execution_entity: 'id', execution_data: '"executionId"' },
  },
  {
    file: 'directus.ts',
    tables: `
      create table directus_activity (
        id serial primary key, action varchar(45) not null, timestamp timestamptz not null, collection varchar(64));
      create index directus_activity_timestamp on directus_activity (timestamp);
      create table directus_revisions (
        id serial primary key, activity int not null references directus_activity on delete cascade, collection varchar(64), data json);
      create index directus_revisions_activity on directus_revisions (activity);
      insert into directus_activity (action, timestamp)
      select (array['create', 'update', 'run'])[n % 3 + 1], now() - n * interval '1 day' - interval '1 hour'
      from generate_series(1, 150) as n;
      insert into directus_revisions (activity) select id from directus_activity where action <> 'run';`,
    cleaner: `
      delete from directus_revisions as r using directus_activity as a
      where a.id = r.activity and a.timestamp < now() - interval '30 days';
      delete from directus_activity
      where timestamp < now() - case when action = 'run' then interval '30 days' else interval '90 days' end`,
    rows: { directus_activity: 'id', directus_revisions: 'id' },
  },
  {
    file: 'django.ts',
    tables: `
      create table django_session (session_key varchar(40) primary key, session_data text not null, expire_date timestamptz not null);
      create index django_session_expire_date on django_session (expire_date);
      insert into django_session
      select md5(n::text), '', now() + (n - 300) * interval '3 hours' + interval '90 minutes' from generate_series(1, 500) as n;`,
    cleaner: 'delete from django_session where expire_date < now()',
    rows: { django_session: 'session_key' },
  },
  {
    file: 'pg-boss.ts',
    tables: `
      create schema pgboss;
      create table pgboss.job_common (
        id uuid not null default gen_random_uuid(), name text not null, state text not null, completed_on timestamptz,
        keep_until timestamptz not null, deletion_seconds int not null, primary key (name, id));
      create index on pgboss.job_common (completed_on);
      create index on pgboss.job_common (keep_until);
      insert into pgboss.job_common (name, state, completed_on, keep_until, deletion_seconds)
      select 'mail', s.state,
        case when s.state in ('completed', 'failed', 'cancelled') then now() - n * interval '1 day' - interval '1 hour' end,
        now() - n * interval '1 day' + interval '20 days 2 hours', (array[604800, 1209600, 0])[n % 3 + 1]
      from generate_series(1, 40) as n,
        unnest(array['created', 'retry', 'active', 'completed', 'failed', 'cancelled']) as s(state);`,
    cleaner: `
      delete from pgboss.job_common
      where (deletion_seconds > 0 and completed_on + deletion_seconds * interval '1 second' < now())
        or (state in ('created', 'retry') and keep_until < now())`,
    rows: { 'pgboss.job_common': 'id' },
  },
  {
    file: 'graphile-worker.ts',
    tables: `
      create schema graphile_worker;
      create table graphile_worker._private_jobs (
        id bigint primary key generated always as identity, attempts smallint not null, max_attempts smallint not null,
        locked_at timestamptz, updated_at timestamptz not null,
        is_available boolean generated always as (locked_at is null and attempts < max_attempts) stored not null);
      create index on graphile_worker._private_jobs (updated_at);
      insert into graphile_worker._private_jobs (attempts, max_attempts, locked_at, updated_at)
      select n % 4, 3, case when n % 5 = 0 then now() end, now() - n * interval '1 day' - interval '1 hour'
      from generate_series(1, 60) as n;`,
    cleaner: `
      delete from graphile_worker._private_jobs
      where attempts >= max_attempts and locked_at is null and updated_at < now() - interval '30 days'`,
    rows: { 'graphile_worker._private_jobs': 'id' },
  },
  {
    file: 'prefect-rest.ts',
    tables: `
      create table work_pool (id uuid primary key default gen_random_uuid(), name varchar not null);
      create table worker (
        id uuid primary key default gen_random_uuid(), name varchar not null,
        work_pool_id uuid not null references work_pool on delete cascade, last_heartbeat_time timestamptz,
        heartbeat_interval_seconds int, status varchar not null default 'OFFLINE');
      create table csrf_token (
        id uuid primary key default gen_random_uuid(), token varchar not null, client varchar not null unique,
        expiration timestamptz not null);
      create table automation (id uuid primary key, name varchar not null);
      create table automation_bucket (
        id uuid primary key default gen_random_uuid(), automation_id uuid not null references automation on delete cascade,
        trigger_id uuid not null, bucketing_key jsonb not null, start timestamptz not null, "end" timestamptz not null,
        count int not null);
      insert into work_pool values ('00000000-0000-0000-0000-000000000001', 'k8s');
      insert into worker (name, work_pool_id, last_heartbeat_time, heartbeat_interval_seconds, status)
      select 'pod-' || n, '00000000-0000-0000-0000-000000000001', now() - n * interval '1 day' - interval '1 hour', 30,
        case when n % 4 = 0 then 'ONLINE' else 'OFFLINE' end
      from generate_series(20, 40) as n;
      insert into csrf_token (token, client, expiration)
      select md5(n::text), 'c' || n, now() - (n - 10) * interval '3 hours' - interval '90 minutes' from generate_series(1, 30) as n;
      insert into automation values ('00000000-0000-0000-0000-000000000003', 'a');
      insert into automation_bucket (automation_id, trigger_id, bucketing_key, start, "end", count)
      select '00000000-0000-0000-0000-000000000003', gen_random_uuid(), jsonb_build_array(n),
        now() - n * interval '1 day' - interval '2 hours', now() - n * interval '1 day' - interval '1 hour', 1
      from generate_series(-3, 20) as n;`,
    cleaner: `
      delete from worker where status = 'OFFLINE' and last_heartbeat_time < now() - interval '30 days';
      delete from csrf_token where expiration < now() - interval '1 hour';
      delete from automation_bucket where "end" < now() - interval '7 days'`,
    rows: {
      worker: 'name',
      csrf_token: 'client',
      automation_bucket: 'bucketing_key',
      automation: 'name',
      work_pool: 'name',
    },
  },
  {
    file: 'tenants.ts',
    tables: `
      create schema t_001;
      create schema t_002;
      create schema t_003;
      create table t_001.orders (id int primary key, at timestamptz not null);
      create table t_003.orders (id int primary key, at timestamptz not null);
      create table orders (id int primary key, at timestamptz not null);
      insert into t_001.orders select n, now() - n * interval '1 day' - interval '1 hour' from generate_series(80, 100) as n;
      insert into t_003.orders select n, now() - n * interval '1 day' - interval '1 hour' from generate_series(85, 120) as n;
      insert into orders select * from t_003.orders;`,
    cleaner: `
      delete from t_001.orders where at < now() - interval '90 days';
      delete from t_003.orders where at < now() - interval '90 days'`,
    rows: { 't_001.orders': 'id', 't_003.orders': 'id', orders: 'id' },
  },
];

const BLOCKS = readBlocks(readPage('docs/recipes.md'));
const databases: TestDatabase[] = [];
afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

/** The policy of a block of the page: the block is a file of its own. */
async function readPolicy(file: string): Promise<Policy> {
  const text = BLOCKS.find((block) => block.text.startsWith(`// ${file}\n`))?.text ?? '';
  const path = join(makeFastFolder('recipe'), file);
  const modules = {
    'temporal-vacuum': 'index.ts',
    '@mikro-orm/core': 'node_modules/@mikro-orm/core/index.js',
  };
  const here = Object.entries(modules).reduce(
    (code, [name, to]) => code.replace(`'${name}'`, JSON.stringify(join(ROOT, to))),
    text,
  );
  writeFileSync(path, here);
  const exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, Policy>>;
  const [policy] = Object.values(exported);
  if (policy === undefined) throw new Error(`no policy in ${file}`);
  return { ...policy, enabled: true };
}

async function open(application: Application): Promise<TestDatabase> {
  const database = await createDatabase('template0');
  databases.push(database);
  await database.pool.query(application.tables);
  await database.pool.query('analyze');
  return database;
}

async function listRows(database: TestDatabase, rows: Application['rows']): Promise<object> {
  const entries = Object.entries(rows).map(async ([table, key]) => [
    table,
    await database.rows(`select ${key}::text as key from ${table} order by 1`),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as object;
}

test('the page has a recipe for each application, and none besides', () => {
  const files = BLOCKS.map(({ text }) => /^\/\/ (\S+)/.exec(text)?.[1]);
  expect(files).toEqual(APPLICATIONS.map(({ file }) => file));
});

test.each(APPLICATIONS.map((application) => [application.file, application] as const))(
  '%s deletes what the cleaner of the application deletes',
  async (file, application) => {
    const [ours, theirs] = [await open(application), await open(application)];
    if (file === 'pg-boss.ts') {
      // Their keys are random.
      await theirs.pool.query('truncate pgboss.job_common');
      for (const row of await ours.rows<{ row: string }>('select j::text as row from pgboss.job_common as j'))
        await theirs.pool.query('insert into pgboss.job_common select ($1::pgboss.job_common).*', [row.row]);
    }
    const before = await listRows(ours, application.rows);
    const policy = await readPolicy(file);
    const opened = await openDatabase(ours.url);
    const findings = await examineDatabase(opened, policy);
    await opened.close();
    expect(findings.filter(({ state }) => state === 'problem')).toEqual([]);
    await runAsPreviewed(ours.url, policy);
    await theirs.pool.query(application.cleaner);
    const [left, wanted] = [await listRows(ours, application.rows), await listRows(theirs, application.rows)];
    expect(left).toEqual(wanted);
    expect(left).not.toEqual(before);
  },
);
