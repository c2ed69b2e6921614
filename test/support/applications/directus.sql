-- Rows on both sides of each boundary, for a database that `directus bootstrap` made: activity every twelve hours.
insert into directus_users (id, email, status) select gen_random_uuid(), 'u' || n, 'active' from generate_series(1, 3) as n;
insert into directus_activity (action, "user", timestamp, collection, item)
select (array['create', 'update', 'login', 'run', 'delete'])[1 + n % 5], (select min(id::text)::uuid from directus_users), now() - n * interval '12 hours' - interval '1 hour', 'pages', n::text from generate_series(1, 400) as n order by n desc;
insert into directus_revisions (activity, collection, item, data) select id, collection, item, '{}' from directus_activity where action in ('create', 'update', 'run');
insert into directus_sessions (token, "user", expires) select md5(n::text), (select min(id::text)::uuid from directus_users), now() + (n - 50) * interval '6 hours' + interval '1 hour' from generate_series(1, 100) as n;
insert into directus_notifications (timestamp, status, recipient, subject) select now() - n * interval '1 day' - interval '1 hour', case when n % 3 = 0 then 'archived' else 'inbox' end, (select min(id::text)::uuid from directus_users), 's' from generate_series(60, 120) as n;
analyze;
