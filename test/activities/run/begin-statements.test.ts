import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { lostNotes, makeThings, Note, oldThings, Part, Thing } from '../../support/guarded.ts';
import { describeNeeding } from '../../support/needing.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';

describeNeeding(['temporal'], 'the begin of a run', () => {
  const session = new TemporalSession();
  let cluster: Cluster;
  let database: TestDatabase;
  const policy = definePolicy({
    name: 'things',
    enabled: true,
    entities: [Thing, Part, Note],
    passes: [
      oldThings(),
      oldThings({ name: 'idle-things', olderThan: '33 days', where: { state: 'busy' } }),
      oldThings({ name: 'old-notes', entity: Note }),
      lostNotes(),
    ],
  });

  beforeAll(async () => {
    cluster = await startCluster({ settings: { log_statement: 'all' } });
    database = await createDatabase(await makeThings(cluster.url()), cluster.url());
  }, 60_000);
  afterAll(async () => {
    await session.close();
    await database.drop();
    await cluster.destroy();
  });

  /** The statements of a run until it is paused before its first batch. */
  async function readBegin(): Promise<string[]> {
    const taskQueue = session.queue();
    const { workflow } = await session.client();
    const from = cluster.log.length;
    return session.withVacuum({ taskQueue, url: database.url, policies: [policy] }, async () => {
      const options = { workflowId: taskQueue, taskQueue, signal: 'pause' };
      const handle = await workflow.signalWithStart('vacuum', options);
      await waitFor(
        'the begin of the run',
        async () => (await handle.query<{ state: string }>('progress')).state === 'paused',
      );
      const statements = cluster.log.slice(from).split(/^(?=\S)/m);
      await handle.signal('stop');
      await handle.result();
      return statements;
    });
  }

  const count = (statements: readonly string[], what: RegExp): number =>
    statements.filter((statement) => what.test(statement)).length;

  test.each(['the first', 'the second'])(
    'of %s samples each table once, reads the foreign keys of the database once, and has each delete planned once',
    async (nth) => {
      // The second run has rows that are held: they are left out of the backlog in the same sample.
      if (nth === 'the second') {
        await database.rows(`insert into vacuum.hold (entity, schema, name, key, key_column, key_type, reason, who)
          values ('Thing', 'public', 'thing', '85', 'id', 'integer', 'audit', 'ann')`);
      }
      const statements = await readBegin();
      const sampled = statements.flatMap(
        (statement) => /from (?:only )?(\S+) as t tablesample/.exec(statement)?.[1] ?? [],
      );
      expect(sampled.toSorted()).toEqual(['"public"."note"', '"public"."thing"']);
      expect(count(statements, /from pg_constraint as c\b[^]*contype = 'f'/)).toBe(1);
      // Once for each of the two passes, also if there was no ledger.
      expect(count(statements, /explain\s+delete from only "public"."thing"/)).toBe(2);
      const before = await database.rows<{ name: string; rows: number }>(
        `select p.name, (p.backlog #>> '{before,rows}')::int as rows
         from vacuum.pass as p where p.run_id = (select max(id) from vacuum.run) order by p.ordinal`,
      );
      expect(before).toEqual([
        { name: 'old-things', rows: nth === 'the first' ? 300 : 299 },
        { name: 'idle-things', rows: 15 },
        { name: 'old-notes', rows: 300 },
        { name: 'lost-notes', rows: 0 },
      ]);
    },
  );
});
