-- Two years of orders, of which 600 are closed for more than 400 days.

insert into customer (name) select 'customer ' || n from generate_series(1, 50) as n;

insert into orders (customer_id, status, closed_at)
select
  1 + n % 50,
  case when n % 10 = 0 then 'open' when n % 7 = 0 then 'cancelled' else 'shipped' end,
  case when n % 10 <> 0 then now() - n * interval '10 hours' end
from generate_series(1, 1750) as n;

insert into order_line (order_id, article)
select id, 'article ' || n
from orders
cross join generate_series(1, 3) as n;

insert into audit_log (order_id, at, message)
select id, coalesce(closed_at, now()), 'order written'
from orders;

-- Of orders that somebody deleted; the last ones are too young to be judged.
insert into audit_log (order_id, at, message)
select 100000 + n, now() - interval '30 days', 'order written' from generate_series(1, 200) as n
union all
select 200000 + n, now() - interval '1 minute', 'order written' from generate_series(1, 5) as n;

insert into report (name, made_at, size)
select 'sales-' || n % 20, now() - n * interval '12 hours', n from generate_series(1, 400) as n;
insert into report (name, made_at, size)
select 'stock-' || n, now() - interval '200 days', n from generate_series(1, 5) as n;

insert into latest_report (name, report_id, size)
select distinct on (name) name, id, size from report order by name, made_at desc;

-- Somebody deletes what is not theirs to delete.
delete from report where name in ('sales-1', 'sales-2') and made_at > now() - interval '12 days';
