-- Half a year of odds: the competitor has three times as many. `scale` events of own odds, one in three hours.

select set_config('odds.scale', coalesce(current_setting('odds.scale', true), '1440'), false);

create function fill_odds(family text, events integer) returns void language plpgsql as $$
declare
  step interval := interval '180 days' / events;
begin
  execute format($sql$
    insert into %1$I (name, seen_at)
    select 'tournament ' || n, now() - interval '180 days' + n * %2$L::interval * 40
    from generate_series(1, %3$s / 40 + 1) as n
  $sql$, family || '_tournament', step, events);
  execute format($sql$
    insert into %1$I (tournament_id, name, starts_at)
    select 1 + n / 40, 'event ' || n, now() - interval '180 days' + n * %2$L::interval
    from generate_series(1, %3$s) as n
  $sql$, family || '_event', step, events);
  execute format($sql$
    insert into %1$I (started_at, state)
    select
      now() - interval '180 days' + n * %2$L::interval * 4,
      case when n %% 50 = 0 then 'running' when n %% 9 = 0 then 'failed' else 'completed' end
    from generate_series(1, %3$s / 4) as n
  $sql$, family || '_run', step, events);
  -- A run takes snapshots of the twelve events around it, each with three odds.
  execute format($sql$
    insert into %1$I (run_id, event_id, taken_at)
    select r.id, e.id, r.started_at
    from %2$I as r
    join %3$I as e on e.id between 4 * r.id - 5 and 4 * r.id + 6
  $sql$, family || '_snapshot', family || '_run', family || '_event');
  execute format($sql$
    insert into %1$I (snapshot_id, outcome, price, at)
    select s.id, o.outcome, 1 + random() * 5, s.taken_at
    from %2$I as s
    cross join unnest(array['home', 'draw', 'away']) as o(outcome)
  $sql$, family || '_odds', family || '_snapshot');
  execute format($sql$
    insert into %1$I (event_id, market, price, at)
    select e.id, 'market ' || m, 1 + random() * 5, e.starts_at - m * interval '1 hour'
    from %2$I as e
    cross join generate_series(1, 5) as m
  $sql$, family || '_market_odds', family || '_event');
end $$;

select fill_odds('own', current_setting('odds.scale')::integer);
select fill_odds('competitor', 3 * current_setting('odds.scale')::integer);
analyze;
