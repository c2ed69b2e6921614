import type { Planted } from './planted.ts';
import { ACKNOWLEDGE, limits } from './planted.ts';

const CLOCK = (offset: string): string => `
  create schema wrong;
  create function wrong.clock_timestamp() returns timestamptz language sql volatile
    return pg_catalog.clock_timestamp() + interval '${offset}';
  do $$ begin execute format('alter database %I set search_path = wrong, pg_catalog, public', current_database()); end $$`;

/** Found in the database itself. */
export const MOVED: Planted[] = [
  {
    mistake: 'a database on another server',
    after: 'a sound run',
    plant: `update vacuum.guard set system_identifier = '7000000000000000001'`,
    says: ['it is blocked', 'on another server'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'a database that was made anew',
    after: 'a sound run',
    plant: `update vacuum.guard set database_oid = '1'`,
    says: ['it is blocked', 'was made anew'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'a policy that was blocked before',
    after: 'a sound run',
    plant: `update vacuum.guard set blocked = '["of yesterday"]', blocked_at = now()`,
    says: ['it is blocked', 'since', 'of yesterday'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'a ledger from the future',
    after: 'a sound run',
    plant: `update vacuum.run set ended_at = now() + interval '2 hours'`,
    says: ['it is blocked', 'lies in the future'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'a table that was dropped and restored',
    after: 'a sound run',
    plant:
      'create table new_thing (like thing including all); insert into new_thing select * from thing; drop table thing cascade; alter table new_thing rename to thing',
    says: ['it is blocked', 'the table of entity Thing was made anew'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'a table that lost most of its rows',
    policy: limits({ smallTable: 100 }),
    after: 'a sound run',
    plant: `delete from thing where id > 400`,
    says: ['it is blocked', 'entity Thing has', 'rows left of about'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'a clock of the database that is an hour behind',
    plant: CLOCK('-1 hour'),
    says: ['the database is', 'behind the worker', 'at most a minute'],
    fix: 'Set the clocks of both machines, by NTP, and run again',
  },
  {
    mistake: 'a clock of the database that is two minutes ahead',
    plant: CLOCK('2 minutes'),
    says: ['ahead of the worker'],
    fix: 'Set the clocks of both machines, by NTP, and run again',
  },
  {
    mistake: 'a clock that is a year ahead, so that all is old',
    plant: CLOCK('1 year'),
    says: ['ahead of the worker'],
    fix: 'Set the clocks of both machines, by NTP, and run again',
  },
  {
    mistake: 'a table that was renamed, with rows that are held',
    after: 'a sound run',
    plant: `insert into vacuum.hold (entity, schema, name, key, key_column, key_type, reason, who)
      values ('Thing', 'public', 'thing_of_before', '5', 'id', 'integer', 'audit', 'ann')`,
    says: ['hold 1', 'the table of Thing', 'would hold nothing'],
    fix: '`temporal-vacuum hold remove 1`',
  },
];
