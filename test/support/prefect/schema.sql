-- The part of a Prefect 3.8 database that a vacuum touches, in our own words: the same tables, columns, keys and
-- indexes. `real-prefect.test.ts` compares it with what Prefect's own migrations make. Tables that only point at
-- these (blocks, automations) are left out; of deployments and work pools there is what retentions name.
create extension if not exists pg_trgm;

create type state_type as enum
  ('SCHEDULED', 'PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED', 'PAUSED', 'CANCELLING');

create table flow (
  id uuid default gen_random_uuid() not null constraint pk_flow primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  name varchar not null constraint uq_flow__name unique,
  tags jsonb default '[]' not null,
  labels jsonb
);
create index ix_flow__created on flow (created);
create index ix_flow__updated on flow (updated);
create index trgm_ix_flow_name on flow using gin (name gin_trgm_ops);

create table deployment (
  id uuid default gen_random_uuid() not null constraint pk_deployment primary key,
  name varchar not null,
  flow_id uuid not null
);

create table work_pool (
  id uuid default gen_random_uuid() not null constraint pk_work_pool primary key,
  name varchar not null
);

create table work_queue (
  id uuid default gen_random_uuid() not null constraint pk_work_queue primary key,
  name varchar not null,
  work_pool_id uuid not null references work_pool on delete cascade
);

create table artifact (
  id uuid default gen_random_uuid() not null constraint pk_artifact primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  key varchar,
  type varchar,
  data json,
  metadata_ json,
  task_run_id uuid,
  flow_run_id uuid,
  description varchar
);
create index ix_artifact__flow_run_id on artifact (flow_run_id);
create index ix_artifact__key on artifact (key);
create index ix_artifact__key_created_desc on artifact (key, created desc)
  include (id, updated, type, task_run_id, flow_run_id);
create index ix_artifact__task_run_id on artifact (task_run_id);
create index ix_artifact__updated on artifact (updated);

create table artifact_collection (
  id uuid default gen_random_uuid() not null constraint pk_artifact_collection primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  key varchar not null constraint uq_artifact_collection__key unique,
  latest_id uuid not null,
  task_run_id uuid,
  flow_run_id uuid,
  type varchar,
  data json,
  description varchar,
  metadata_ json
);
create index ix_artifact_collection__key_latest_id on artifact_collection (key, latest_id);
create index ix_artifact_collection__updated on artifact_collection (updated);

create table log (
  id uuid default gen_random_uuid() not null constraint pk_log primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  name varchar not null,
  level smallint not null,
  flow_run_id uuid,
  task_run_id uuid,
  message text not null,
  timestamp timestamptz not null
);
create index ix_log__flow_run_id on log (flow_run_id);
create index ix_log__flow_run_id_timestamp on log (flow_run_id, timestamp);
create index ix_log__level on log (level);
create index ix_log__task_run_id on log (task_run_id);
create index ix_log__timestamp on log (timestamp);
create index ix_log__updated on log (updated);

create table flow_run (
  id uuid default gen_random_uuid() not null constraint pk_flow_run primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  name varchar not null,
  state_type state_type,
  run_count integer default 0 not null,
  expected_start_time timestamptz,
  next_scheduled_start_time timestamptz,
  start_time timestamptz,
  end_time timestamptz,
  total_run_time interval default '0' not null,
  flow_version varchar,
  parameters jsonb default '{}' not null,
  idempotency_key varchar,
  context jsonb default '{}' not null,
  empirical_policy jsonb default '{}' not null,
  tags jsonb default '[]' not null,
  auto_scheduled boolean default false not null,
  flow_id uuid not null constraint fk_flow_run__flow_id__flow references flow on delete cascade,
  deployment_id uuid,
  parent_task_run_id uuid,
  state_id uuid,
  state_name varchar,
  infrastructure_document_id uuid,
  work_queue_name varchar,
  state_timestamp timestamptz,
  created_by jsonb,
  infrastructure_pid varchar,
  work_queue_id uuid,
  job_variables jsonb default '{}',
  deployment_version varchar,
  labels jsonb
);
create unique index uq_flow_run__flow_id_idempotency_key on flow_run (flow_id, idempotency_key);
create index ix_flow_run__coalesce_start_time_expected_start_time_asc
  on flow_run (coalesce(start_time, expected_start_time));
create index ix_flow_run__coalesce_start_time_expected_start_time_desc
  on flow_run (coalesce(start_time, expected_start_time) desc);
create index ix_flow_run__deployment_id on flow_run (deployment_id);
create index ix_flow_run__deployment_version on flow_run (deployment_version);
create index ix_flow_run__end_time_desc on flow_run (end_time desc);
create index ix_flow_run__expected_start_time_desc on flow_run (expected_start_time desc);
create index ix_flow_run__flow_id on flow_run (flow_id);
create index ix_flow_run__flow_version on flow_run (flow_version);
create index ix_flow_run__infrastructure_document_id on flow_run (infrastructure_document_id);
create index ix_flow_run__name on flow_run (name);
create index ix_flow_run__next_scheduled_start_time_asc on flow_run (next_scheduled_start_time);
create index ix_flow_run__parent_task_run_id on flow_run (parent_task_run_id);
create index ix_flow_run__schedule_id_scheduler
  on flow_run (deployment_id, (created_by ->> 'id'), next_scheduled_start_time)
  where state_type = 'SCHEDULED' and auto_scheduled = true;
create index ix_flow_run__scheduler_deployment_id_auto_scheduled_next_schedu
  on flow_run (deployment_id, auto_scheduled, next_scheduled_start_time)
  where state_type = 'SCHEDULED';
create index ix_flow_run__start_time on flow_run (start_time);
create index ix_flow_run__state_id on flow_run (state_id);
create index ix_flow_run__state_name on flow_run (state_name);
create index ix_flow_run__state_timestamp on flow_run (state_timestamp);
create index ix_flow_run__state_type on flow_run (state_type);
create index ix_flow_run__state_type_coalesce_start_time
  on flow_run (state_type, coalesce(start_time, expected_start_time));
create index ix_flow_run__updated on flow_run (updated);
create index ix_flow_run__work_queue_id on flow_run (work_queue_id);
create index ix_flow_run__work_queue_name on flow_run (work_queue_name);
create index trgm_ix_flow_run_name on flow_run using gin (name gin_trgm_ops);

create table flow_run_state (
  id uuid default gen_random_uuid() not null constraint pk_flow_run_state primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  type state_type not null,
  timestamp timestamptz default current_timestamp not null,
  name varchar not null,
  message varchar,
  state_details jsonb default '{}' not null,
  data jsonb,
  flow_run_id uuid not null
    constraint fk_flow_run_state__flow_run_id__flow_run references flow_run on delete cascade,
  result_artifact_id uuid
    constraint fk_flow_run_state__result_artifact_id__artifact references artifact on delete set null
);
create unique index uq_flow_run_state__flow_run_id_timestamp_desc on flow_run_state (flow_run_id, timestamp desc);
create index ix_flow_run_state__name on flow_run_state (name);
create index ix_flow_run_state__result_artifact_id on flow_run_state (result_artifact_id);
create index ix_flow_run_state__type on flow_run_state (type);
create index ix_flow_run_state__updated on flow_run_state (updated);
alter table flow_run add constraint fk_flow_run__state_id__flow_run_state
  foreign key (state_id) references flow_run_state on delete set null;

create table flow_run_input (
  id uuid default gen_random_uuid() not null constraint pk_flow_run_input primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  key varchar not null,
  value text not null,
  flow_run_id uuid not null
    constraint fk_flow_run_input__flow_run_id__flow_run references flow_run on delete cascade,
  sender varchar,
  constraint uq_flow_run_input__flow_run_id_key unique (flow_run_id, key)
);
create index ix_flow_run_input__updated on flow_run_input (updated);

create table task_run (
  id uuid default gen_random_uuid() not null constraint pk_task_run primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  name varchar not null,
  state_type state_type,
  run_count integer default 0 not null,
  expected_start_time timestamptz,
  next_scheduled_start_time timestamptz,
  start_time timestamptz,
  end_time timestamptz,
  total_run_time interval default '0' not null,
  task_key varchar not null,
  dynamic_key varchar not null,
  cache_key varchar,
  cache_expiration timestamptz,
  task_version varchar,
  empirical_policy jsonb default '{}' not null,
  task_inputs jsonb default '{}' not null,
  tags jsonb default '[]' not null,
  flow_run_id uuid constraint fk_task_run__flow_run_id__flow_run references flow_run on delete cascade,
  state_id uuid,
  state_name varchar,
  state_timestamp timestamptz,
  flow_run_run_count integer default 0 not null,
  labels jsonb
);
create unique index uq_task_run__flow_run_id_task_key_dynamic_key
  on task_run (flow_run_id, task_key, dynamic_key);
create index ix_task_run__end_time_desc on task_run (end_time desc);
create index ix_task_run__expected_start_time_desc on task_run (expected_start_time desc);
create index ix_task_run__flow_run_id on task_run (flow_run_id);
create index ix_task_run__name on task_run (name);
create index ix_task_run__next_scheduled_start_time_asc on task_run (next_scheduled_start_time);
create index ix_task_run__start_time on task_run (start_time);
create index ix_task_run__state_id on task_run (state_id);
create index ix_task_run__state_name on task_run (state_name);
create index ix_task_run__state_timestamp on task_run (state_timestamp);
create index ix_task_run__state_type on task_run (state_type);
create index ix_task_run__state_type_start_time on task_run (state_type, start_time);
create index ix_task_run__updated on task_run (updated);
create index trgm_ix_task_run_name on task_run using gin (name gin_trgm_ops);
alter table flow_run add constraint fk_flow_run__parent_task_run_id__task_run
  foreign key (parent_task_run_id) references task_run on delete set null;

create table task_run_state (
  id uuid default gen_random_uuid() not null constraint pk_task_run_state primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  type state_type not null,
  timestamp timestamptz default current_timestamp not null,
  name varchar not null,
  message varchar,
  state_details jsonb default '{}' not null,
  data jsonb,
  task_run_id uuid not null
    constraint fk_task_run_state__task_run_id__task_run references task_run on delete cascade,
  result_artifact_id uuid
    constraint fk_task_run_state__result_artifact_id__artifact references artifact on delete set null
);
create unique index uq_task_run_state__task_run_id_timestamp_desc on task_run_state (task_run_id, timestamp desc);
create index ix_task_run_state__name on task_run_state (name);
create index ix_task_run_state__result_artifact_id on task_run_state (result_artifact_id);
create index ix_task_run_state__type on task_run_state (type);
create index ix_task_run_state__updated on task_run_state (updated);

create table task_run_state_cache (
  id uuid default gen_random_uuid() not null constraint pk_task_run_state_cache primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  cache_key varchar not null,
  cache_expiration timestamptz,
  task_run_state_id uuid not null
);
create index ix_task_run_state_cache__cache_key_created_desc on task_run_state_cache (cache_key, created desc);
create index ix_task_run_state_cache__updated on task_run_state_cache (updated);

create table events (
  id uuid default gen_random_uuid() not null constraint pk_events primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  occurred timestamptz not null,
  event text not null,
  resource_id text not null,
  resource jsonb not null,
  related_resource_ids jsonb default '[]' not null,
  related jsonb default '[]' not null,
  payload jsonb not null,
  received timestamptz not null,
  recorded timestamptz not null,
  follows uuid
);
create index ix_events__event__id on events (event, id);
create index ix_events__event_occurred on events (event, occurred);
create index ix_events__event_occurred_id on events (event, occurred, id);
create index ix_events__event_resource_id_occurred on events (event, resource_id, occurred);
create index ix_events__occurred on events (occurred);
create index ix_events__occurred_id on events (occurred, id);
create index ix_events__related_gin on events using gin (related);
create index ix_events__related_resource_ids_gin on events using gin (related_resource_ids);
create index ix_events__updated on events (updated);

create table event_resources (
  id uuid default gen_random_uuid() not null constraint pk_event_resources primary key,
  created timestamptz default current_timestamp not null,
  updated timestamptz default current_timestamp not null,
  occurred timestamptz not null,
  resource_id text not null,
  resource_role text not null,
  resource json not null,
  event_id uuid not null
);
create index ix_event_resources__event_id on event_resources (event_id);
create index ix_event_resources__occurred on event_resources (occurred);
create index ix_event_resources__resource_id__occurred on event_resources (resource_id, occurred);
create index ix_event_resources__updated on event_resources (updated);
