-- Odds of two families side by side, own and competitor: the same tables under two prefixes.

create table own_tournament (id bigint generated always as identity primary key, name text not null, seen_at timestamptz not null);
create table own_event (
  id bigint generated always as identity primary key,
  tournament_id bigint not null references own_tournament,
  name text not null,
  starts_at timestamptz not null
);
create table own_run (id bigint generated always as identity primary key, started_at timestamptz not null, state text not null);
create table own_snapshot (
  id bigint generated always as identity primary key,
  run_id bigint not null references own_run on delete cascade,
  event_id bigint not null references own_event,
  taken_at timestamptz not null
);
create table own_odds (
  id bigint generated always as identity primary key,
  snapshot_id bigint not null references own_snapshot,
  outcome text not null,
  price numeric(8, 2) not null,
  at timestamptz not null
);
create table own_market_odds (
  id bigint generated always as identity primary key,
  event_id bigint not null references own_event,
  market text not null,
  price numeric(8, 2) not null,
  at timestamptz not null
);
create index on own_event (starts_at);
create index on own_event (tournament_id);
create index on own_run (started_at);
create index on own_snapshot (run_id);
create index on own_snapshot (event_id);
create index on own_odds (at);
create index on own_odds (snapshot_id);
create index on own_market_odds (at);
create index on own_market_odds (event_id);

create table competitor_tournament (id bigint generated always as identity primary key, name text not null, seen_at timestamptz not null);
create table competitor_event (
  id bigint generated always as identity primary key,
  tournament_id bigint not null references competitor_tournament,
  name text not null,
  starts_at timestamptz not null
);
create table competitor_run (id bigint generated always as identity primary key, started_at timestamptz not null, state text not null);
create table competitor_snapshot (
  id bigint generated always as identity primary key,
  run_id bigint not null references competitor_run on delete cascade,
  event_id bigint not null references competitor_event,
  taken_at timestamptz not null
);
create table competitor_odds (
  id bigint generated always as identity primary key,
  snapshot_id bigint not null references competitor_snapshot,
  outcome text not null,
  price numeric(8, 2) not null,
  at timestamptz not null
);
create table competitor_market_odds (
  id bigint generated always as identity primary key,
  event_id bigint not null references competitor_event,
  market text not null,
  price numeric(8, 2) not null,
  at timestamptz not null
);
create index on competitor_event (starts_at);
create index on competitor_event (tournament_id);
create index on competitor_run (started_at);
create index on competitor_snapshot (run_id);
create index on competitor_snapshot (event_id);
create index on competitor_odds (at);
create index on competitor_odds (snapshot_id);
create index on competitor_market_odds (at);
create index on competitor_market_odds (event_id);
