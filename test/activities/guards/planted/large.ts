import { softChild } from '../../../../policy/expire-rows.ts';
import { lostNotes, Note, oldThings, Part } from '../../../support/guarded.ts';
import type { Planted } from './planted.ts';
import { ACKNOWLEDGE, limits, lookOrSet, pass } from './planted.ts';

/** A preview that the ledger keeps, of the settings that `hash` has, so many hours ago. */
const previewed = (hash: string, hours: number): string => `
  with r as (
    insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at, ended_at)
    select policy, 'preview', 'completed', 'w', 'w', 't', '{}', now() - ${hours} * interval '1 hour', now()
    from vacuum.run limit 1 returning id)
  insert into vacuum.pass (run_id, ordinal, name, kind, status, settings_hash)
  select r.id, 0, 'old-things', 'expireRows', 'previewed', ${hash} from r`;
/** The ledger's newest hash of the pass. */
const OWN_HASH = `(select settings_hash from vacuum.pass where name = 'old-things' order by run_id desc limit 1)`;

/** Found in what would be deleted. */
export const LARGE: Planted[] = [
  {
    mistake: 'three days in place of thirty',
    policy: pass({ olderThan: '3 days' }),
    says: [
      'limit maxPercent 50',
      '92 % of entity Thing',
      '1,380 of 1,500 rows',
      'pass old-things',
      'look at it with `temporal-vacuum preview things-',
    ],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 92'),
  },
  {
    mistake: 'the same without an index on the age',
    policy: pass({ olderThan: '3 days' }),
    plant: 'drop index thing_at_idx',
    says: ['92 % of entity Thing'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 92'),
  },
  {
    mistake: 'the same where nothing was analyzed',
    policy: { passes: [oldThings({ name: 'old-notes', entity: Note, olderThan: '3 days' })] },
    plant: "delete from pg_statistic; update pg_class set reltuples = -1 where relname = 'note'",
    says: ['92 % of entity Note'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 92'),
  },
  {
    mistake: 'a row more than half',
    plant: `update thing set at = now() - interval '40 days' where id <= 751; update thing set at = now() where id > 751`,
    says: ['50.1 % of entity Thing', '751 of 1,500 rows'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 51'),
  },
  {
    mistake: 'a row more than the policy allows',
    policy: limits({ maxPercent: 19 }),
    plant: `update thing set at = now() - interval '40 days' where id = 1`,
    says: ['limit maxPercent 19', '301 of 1,500 rows'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 21'),
  },
  {
    mistake: 'a policy that may delete nothing of large tables',
    policy: limits({ maxPercent: 0 }),
    says: ['limit maxPercent 0', '20 % of entity Thing'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 20'),
  },
  {
    mistake: 'a filter that is the wrong way round',
    policy: pass({ where: { state: { $ne: 'busy' } } }),
    plant: `update thing set at = now() - interval '40 days' where state <> 'busy'`,
    says: ['90 % of entity Thing'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 90'),
  },
  {
    mistake: 'two passes that are too much together',
    policy: {
      passes: [
        oldThings({ where: { state: 'done' } }),
        oldThings({ name: 'busy-things', olderThan: '2 days', where: { state: 'busy' } }),
      ],
    },
    plant: `update thing set at = now() - interval '40 days' where id <= 700`,
    says: ['of entity Thing', 'passes old-things, busy-things'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 62'),
  },
  {
    mistake: 'a foreign key that takes most of another table along',
    plant: 'update part set thing_id = 85 where id <= 1000',
    says: ['entity Part', 'would be deleted'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 74'),
  },
  {
    mistake: 'foreign keys that reach a table that no entity knows',
    plant: 'insert into bolt select n, 85 from generate_series(1, 2000) as n',
    says: ['100 % of a table that is deleted along by a foreign key', '2,000 of 2,000 rows'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 100'),
  },
  {
    mistake: 'soft children that all hang on a few old rows',
    policy: pass({ with: [softChild({ entity: Note, by: 'thingId' })] }),
    plant: 'update note set thing_id = 85 where id <= 1200',
    says: ['of entity Note'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 84'),
  },
  {
    mistake: 'orphans whose parents somebody deleted by hand',
    policy: { passes: [lostNotes()] },
    plant: 'delete from thing where id <= 1400',
    says: ['of entity Note', 'pass lost-notes'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 91'),
  },
  {
    mistake: 'the parent of other rows named as the parent',
    policy: { passes: [lostNotes({ parent: Part })] },
    plant: 'delete from part',
    says: ['of entity Note', 'pass lost-notes'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 97'),
  },
  {
    mistake: 'a small table that is precious',
    policy: { passes: [lostNotes()], limits: { smallTable: 0 } },
    plant: 'delete from note where id % 300 <> 299; delete from thing',
    says: ['100 % of entity Note', '5 of 5 rows'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 100'),
  },
  {
    mistake: 'a clock of the writer that stands in 1970',
    policy: { limits: { maxPercent: 100 } },
    plant: `update thing set at = to_timestamp(extract(epoch from at) / 1000)`,
    says: ['limit allowNewest', 'no row of entity Thing is newer than'],
    fix: 'Look at the newest rows and at the age of the pass; if nothing newer is right, set allowNewest of the pass, or limits.allowNewest, to true. If that is meant: look at it with `temporal-vacuum preview things-',
  },
  {
    mistake: 'an age that nobody writes any more',
    policy: { limits: { maxPercent: 100 } },
    plant: `update thing set at = at - interval '200 days'`,
    says: ['limit allowNewest', 'horizon of pass old-things'],
    fix: 'Look at the newest rows and at the age of the pass; if nothing newer is right, set allowNewest of the pass, or limits.allowNewest, to true. If that is meant: look at it with `temporal-vacuum preview things-',
  },
  {
    mistake: 'all of a table, which two guards see',
    plant: `update thing set at = at - interval '200 days'`,
    says: ['3 guards', 'limit maxPercent 50: 100 %', 'limit allowNewest'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 100'),
  },
  {
    mistake: 'a preview that is a day old',
    policy: pass({ olderThan: '3 days' }),
    plant: previewed(OWN_HASH, 25),
    after: 'itself',
    says: ['92 % of entity Thing'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 92'),
  },
  {
    mistake: 'a preview of other settings',
    policy: pass({ olderThan: '3 days' }),
    plant: previewed(`'other'`, 1),
    after: 'a sound run',
    says: ['90 % of entity Thing'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 90'),
  },
  {
    mistake: 'a preview of the sound policy before it was changed',
    policy: pass({ olderThan: '3 days' }),
    plant: previewed(`(select settings_hash from vacuum.pass order by run_id limit 1)`, 1),
    after: 'a sound run',
    says: ['90 % of entity Thing'],
    fix: lookOrSet('maxPercent, or give run or worker --allow-percent 90'),
  },
  {
    mistake: 'a preview that comes from the future',
    policy: pass({ olderThan: '3 days' }),
    plant: previewed(OWN_HASH, -20),
    after: 'itself',
    says: ['it is blocked', 'lies in the future'],
    fix: ACKNOWLEDGE,
  },
  {
    mistake: 'ten times what is usual',
    policy: { passes: [oldThings({ where: { state: 'done' } })], limits: { maxPercent: 90 } },
    after: 'a sound run',
    plant: `insert into thing select n, 'done', now() - n % 100 * interval '9 hours' from generate_series(2000, 60000) as n; analyze thing`,
    says: [
      'limit maxGrowth 10',
      'pass old-things would delete',
      'the most that one of its last ten runs deleted is',
    ],
    fix: lookOrSet('maxGrowth'),
  },
];
