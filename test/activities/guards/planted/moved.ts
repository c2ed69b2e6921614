import type { Planted } from './planted.ts';
import { ARM, limits } from './planted.ts';

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
    says: [...ARM, 'on another server'],
  },
  {
    mistake: 'a database that was made anew',
    after: 'a sound run',
    plant: `update vacuum.guard set database_oid = '1'`,
    says: [...ARM, 'was made anew'],
  },
  {
    mistake: 'a policy that was disarmed before',
    after: 'a sound run',
    plant: `update vacuum.guard set disarmed = '["of yesterday"]', disarmed_at = now()`,
    says: [...ARM, 'since', 'of yesterday'],
  },
  {
    mistake: 'a ledger from the future',
    after: 'a sound run',
    plant: `update vacuum.run set ended_at = now() + interval '2 hours'`,
    says: [...ARM, 'lies in the future'],
  },
  {
    mistake: 'a table that was dropped and restored',
    after: 'a sound run',
    plant:
      'create table new_thing (like thing including all); insert into new_thing select * from thing; drop table thing cascade; alter table new_thing rename to thing',
    says: [...ARM, 'the table of entity Thing was made anew'],
  },
  {
    mistake: 'a table that lost most of its rows',
    policy: limits({ smallTable: 100 }),
    after: 'a sound run',
    plant: `delete from thing where id > 400`,
    says: [...ARM, 'entity Thing has', 'rows left of about'],
  },
  {
    mistake: 'a clock of the database that is an hour behind',
    plant: CLOCK('-1 hour'),
    says: ['the database is', 'behind the worker', 'at most a minute', 'NTP'],
  },
  {
    mistake: 'a clock of the database that is two minutes ahead',
    plant: CLOCK('2 minutes'),
    says: ['ahead of the worker', 'NTP'],
  },
  {
    mistake: 'a clock that is a year ahead, so that all is old',
    plant: CLOCK('1 year'),
    says: ['ahead of the worker'],
  },
];
