-- A schema like those that people have: no naming rule, foreign keys of every action, ages of every kind.

create table customer (id bigint generated always as identity primary key, name text not null, created_at timestamptz not null default now());
insert into customer (name) select 'customer ' || n from generate_series(1, 50) as n;

create type job_status as enum ('queued', 'running', 'succeeded', 'failed', 'retrying');
create table job (
  id bigint generated always as identity primary key,
  customer_id bigint references customer,
  parent_id bigint references job on delete set null,
  status job_status not null,
  "createdAt" timestamptz not null,
  finished_at timestamptz
);
create index on job (finished_at);
insert into job (status, "createdAt", finished_at)
select (case n % 4 when 0 then 'running' when 1 then 'failed' else 'succeeded' end)::job_status,
  now() - n * interval '1 hour', case when n % 4 > 0 then now() - n * interval '1 hour' + interval '1 minute' end
from generate_series(1, 4000) as n;

-- Rows that belong to a job, by every action of a foreign key.
create table job_output (id bigint generated always as identity primary key, job_id bigint not null references job on delete cascade, body text);
insert into job_output (job_id) select id from job;
create table output_copy (id int primary key, output_id bigint not null references job_output);
create table job_step (id bigint generated always as identity primary key, job_id bigint not null references job, name text);
create index on job_step (job_id);
insert into job_step (job_id) select id from job;
create table step_message (id bigint generated always as identity primary key, job_step_id bigint not null references job_step, text text);
create index on step_message (job_step_id);
insert into step_message (job_step_id) select id from job_step;
create table invoice (id bigint generated always as identity primary key, job_id bigint references job on delete restrict, total int not null);
insert into invoice (job_id, total) select id, 10 from job where finished_at > now() - interval '2 days';
create table bookmark (id bigint generated always as identity primary key, job_id bigint references job on delete set null);

-- No foreign keys: one named like a reference, one that references rows of several tables.
create table "Job Note" (id bigint generated always as identity primary key, "jobId" bigint not null, "writtenAt" timestamptz not null);
create table attachment (id bigint generated always as identity primary key, job_id bigint not null, job_type text not null, file_path text not null);

-- Ages of other kinds.
create table login_token (id uuid default gen_random_uuid() primary key, token text not null, expires_at timestamptz not null);
create index on login_token (expires_at);
insert into login_token (token, expires_at) select md5(n::text), now() + (50 - n) * interval '1 day' from generate_series(1, 100) as n;
create table audit_log (happened_at timestamp not null, who text not null, image_path text);
insert into audit_log select now() - n * interval '1 day', 'somebody', 'images/' || n || '.jpg' from generate_series(1, 200) as n;
create table click (id bigint generated always as identity primary key, seen_ms bigint not null, created_ms bigint not null);
create index on click (created_ms);
insert into click (seen_ms, created_ms) select t, t from generate_series(1, 300) as n
cross join lateral (select (extract(epoch from now() - n * interval '1 day') * 1000)::bigint as t) as at;
create table price (id bigint generated always as identity primary key, at timestamptz not null, cents int not null);
create index on price (at);
insert into price (at, cents) select now() - n * interval '10 minutes', n from generate_series(1, 20000) as n;
create table sensor_log (at timestamptz not null, value int) partition by range (at);
create table sensor_log_2026 partition of sensor_log for values from ('2026-01-01') to ('2027-01-01');
create table import_batch_result (id int primary key, note text);
analyze;
-- Names that are no words.
create table "ÄÖÜ_table_with_a_name_that_is_as_long_as_it_may_be_event" (id int primary key, at timestamptz not null);
create table "ÄÖÜ_table_with_a_name_that_is_as_long_as_it_may_be Event" (id int primary key, at timestamptz not null);
create table "it's ""quoted"" \ event" ("the id" int primary key, "when's it" timestamptz not null, "class" int);
analyze;
