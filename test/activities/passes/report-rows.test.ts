import { afterEach, describe, expect, test } from '@jest/globals';

import type { ReportedRows } from '../../../activities/contract.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { wireReport } from '../../../activities/ledger/reports.ts';
import { ValidationError } from '../../../policy/issue.ts';
import type { Policy } from '../../../policy/policy.ts';
import { NotResolved } from '../../../policy/report-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createJobs, stuckJobs } from '../../support/jobs.ts';
import { waitFor } from '../../support/wait.ts';

let jobs: TestDatabase;
afterEach(async () => jobs.drop());

const ids = async (where = 'true'): Promise<number[]> =>
  (await jobs.rows<{ id: number }>(`select id from job where ${where} order by id`)).map(({ id }) => id);

/** What the pass of a policy would report. */
async function previewed(policy: Policy): Promise<ReportedRows | null | undefined> {
  const opened = await openDatabase(jobs.url);
  try {
    return (await previewPolicy(opened, policy, ['stuck-jobs'])).passes[0]?.reported;
  } finally {
    await opened.close();
  }
}

/** What a run reports, which must be what a preview said. */
async function reported(...[policy, options]: [Policy, Parameters<typeof runEngine>[2]?]): Promise<unknown> {
  const preview = await previewed(policy);
  const { passes, rows, deleted } = await runEngine(jobs.url, policy, options);
  expect({ rows, deleted }).toEqual({ rows: 0, deleted: {} });
  expect(passes[0]?.reported).toEqual(preview);
  return passes[0]?.reported;
}

describe('rows that are reported', () => {
  test('are old, match, wait for nothing, and stay', async () => {
    jobs = await createJobs();
    await jobs.rows(`
      insert into job values
        (1, 'running', now() - interval '10 days 1 minute', null),
        (2, 'running', now() - interval '9 days 23:59', null),
        (3, 'done', now() - interval '20 days', null),
        (4, 'running', null, null),
        (5, 'running', now() - interval '20 days', now() - interval '10 days 1 minute'),
        (6, 'running', now() - interval '20 days', now() - interval '9 days 23:59'),
        (7, 'running', now() - interval '20 days', now() + interval '1 day'),
        (8, 'running', '2020-02-03T04:05:06.789Z', null)`);
    const oldest = '2020-02-03T04:05:06.789Z';
    const waiting = stuckJobs({ dueAt: 'due' });
    expect(await reported(waiting)).toEqual({ found: 3, resolved: 0, unresolved: {}, oldest });
    expect(await reported(stuckJobs())).toMatchObject({ found: 5 });
    expect(await ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('none are found where there are none, and of an age that has no date', async () => {
    jobs = await createJobs();
    expect(await reported(stuckJobs())).toEqual({ found: 0, resolved: 0, unresolved: {}, oldest: null });
    await jobs.rows(`insert into job values (1, 'running', '-infinity', null)`);
    expect(await reported(stuckJobs())).toEqual({ found: 1, resolved: 0, unresolved: {}, oldest: null });
  });

  test.each(['by-location', 'by-age'] as const)(
    'are counted once in many batches and parts, also those that others hold: %s',
    async (scan) => {
      jobs = await createJobs(1000);
      const oldest = await jobs.value<string>(
        `select to_json(min(since) at time zone 'utc') #>> '{}' from job`,
      );
      const other = await jobs.pool.connect();
      await other.query('begin');
      await other.query('select * from job where id in (1, 7, 8, 1000) for update');
      const report = (await reported(stuckJobs(), { scan, size: 7 })) as ReportedRows;
      expect(report.found).toBe(1000);
      expect(report.oldest?.slice(0, 23)).toBe(oldest.slice(0, 23));
      expect(
        await jobs.value('select count(*) from vacuum.batch where (reported ->> $1)::int > 0', ['found']),
      ).toBeGreaterThan(100);
      await other.query('rollback');
      other.release();
    },
  );

  test('need no right to change them', async () => {
    jobs = await createJobs(3);
    const reader = `reader_of_${jobs.name}`;
    await jobs.rows(`
      create role ${reader} login;
      grant select on job to ${reader};
      grant create on database ${jobs.name} to ${reader}`);
    const url = new URL(jobs.url);
    url.username = reader;
    const { passes } = await runEngine(url.toString(), stuckJobs());
    expect(passes[0]?.reported?.found).toBe(3);
    await jobs.rows(`drop owned by ${reader}; drop role ${reader}`);
  });

  test('travel as counts, fixed words and a time', async () => {
    jobs = await createJobs(2);
    const report = wireReport(await runEngine(jobs.url, stuckJobs()));
    expect(report.passes[0]?.reported).toEqual({
      found: 2,
      resolved: 0,
      unresolved: {},
      oldest: expect.any(String),
    });
  });
});

describe('rows that are resolved', () => {
  const end = async (key: string): Promise<void> => {
    await jobs.rows(`set lock_timeout = '1s'; update job set state = 'ended' where id = ${Number(key)}`);
  };

  test.each(['by-location', 'by-age'] as const)(
    'are each dealt with once, a few at once, while nobody holds them: %s',
    async (scan) => {
      jobs = await createJobs(90);
      await jobs.rows(`update job set state = 'done' where id % 10 = 0`);
      const seen: string[] = [];
      let atOnce = 0;
      let most = 0;
      const resolve = async (key: string, signal: AbortSignal): Promise<void> => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        expect(signal.aborted).toBe(false);
        seen.push(key);
        // None of the first ones ends before the last of them has begun.
        await waitFor('three at once', async () => most >= 3);
        await end(key);
        atOnce -= 1;
      };
      const policy = stuckJobs({ handler: { each: resolve, concurrency: 3 } });
      const { passes } = await runEngine(jobs.url, policy, { scan });
      expect(passes[0]?.reported).toMatchObject({ found: 81, resolved: 81, unresolved: {} });
      expect(seen.map(Number).toSorted((a, b) => a - b)).toEqual(await ids(`state = 'ended'`));
      expect(seen).toHaveLength(81);
      expect(most).toBe(3);
      expect(await reported(stuckJobs({ handler: resolve }))).toMatchObject({ found: 0 });
    },
  );

  test('errors are counted by their fixed words and stop no other', async () => {
    jobs = await createJobs(45);
    const policy = stuckJobs({
      handler: async (key) => {
        if (Number(key) % 9 === 0) throw new NotResolved('it is busy');
        if (Number(key) % 9 === 1) throw new Error(`row ${key} at postgresql://secret`);
        if (Number(key) % 9 !== 2) await end(key);
      },
    });
    const { passes } = await runEngine(jobs.url, policy);
    expect(passes[0]?.reported).toMatchObject({
      found: 45,
      resolved: 30,
      unresolved: {
        'it is busy': 5,
        'an error; the log of the worker has it at level debug': 5,
        'it was asked for without an error, and still matches': 5,
      },
    });
    expect(passes[0]?.status).toBe('completed');
  });

  test('one that came back to life is not touched, one that ends meanwhile is not claimed', async () => {
    jobs = await createJobs(3);
    const seen: string[] = [];
    const policy = stuckJobs({
      handler: {
        concurrency: 1,
        each: async (key) => {
          seen.push(key);
          if (key === '1') await jobs.rows('update job set since = now() where id = 2');
          if (key !== '3') return end(key);
          await end(key);
          throw new NotResolved('somebody else was first');
        },
      },
    });
    const { passes } = await runEngine(jobs.url, policy);
    expect(seen).toEqual(['1', '3']);
    expect(await ids(`state = 'running'`)).toEqual([2]);
    expect(passes[0]?.reported).toMatchObject({ found: 3, resolved: 1, unresolved: {} });
  });

  test('where no other could be resolved the pass fails, with what was done before in the ledger', async () => {
    jobs = await createJobs(50);
    const seen: string[] = [];
    const policy = stuckJobs({
      handler: {
        concurrency: 1,
        each: async (key) => {
          seen.push(key);
          if (seen.length > 25)
            throw new ValidationError('the API', [{ at: 'API', what: 'it is down', fix: 'Start it' }]);
          await end(key);
        },
      },
    });
    await expect(runEngine(jobs.url, policy)).rejects.toThrow('it is down. Start it');
    expect(seen).toHaveLength(27);
    expect(await ids(`state = 'ended'`)).toHaveLength(25);
    expect(
      await jobs.rows(
        `select sum((reported ->> 'found')::int) as found, sum((reported ->> 'resolved')::int) as resolved from vacuum.batch`,
      ),
    ).toEqual([{ found: 40, resolved: 25 }]);
  });

  test('asked to end, it begins no other row; the next attempt goes on with the rest', async () => {
    jobs = await createJobs(10);
    const asked = new AbortController();
    const seen: string[] = [];
    const policy = stuckJobs({
      handler: {
        concurrency: 1,
        each: async (key) => {
          seen.push(key);
          if (seen.length === 4) asked.abort();
          await end(key);
        },
      },
    });
    let batches = 0;
    const stopping = runEngine(jobs.url, policy, {
      signal: asked.signal,
      afterBatch: async () => {
        batches += 1;
        if (batches === 2) throw new Error('left');
      },
    });
    await expect(stopping).rejects.toThrow('left');
    expect(seen).toHaveLength(4);
    const [last] = await jobs.rows<{ cursor: { pending: string[] }; reported: object }>(
      'select cursor, reported from vacuum.batch order by sequence desc limit 1',
    );
    expect(last?.reported).toMatchObject({ resolved: 4 });
    expect(last?.cursor.pending).toHaveLength(6);
  });

  test('a worker whose policy does not resolve any more only reports', async () => {
    jobs = await createJobs(50);
    const resolving = stuckJobs({ handler: end });
    const live = stuckJobs();
    const { passes } = await runEngine(jobs.url, resolving, { live });
    expect(passes[0]?.reported).toMatchObject({ found: 50, resolved: 0, unresolved: {} });
    expect(await ids(`state = 'running'`)).toHaveLength(50);
  });

  test('a call that does not come back is left behind when its time is up', async () => {
    jobs = await createJobs(2);
    let fired = false;
    const policy = stuckJobs({
      handler: {
        timeout: '500 ms',
        each: async (key, signal) => {
          if (key === '2') return end(key);
          signal.addEventListener('abort', () => {
            fired = true;
          });
          return new Promise<void>(() => undefined);
        },
      },
    });
    const { passes } = await runEngine(jobs.url, policy);
    expect(fired).toBe(true);
    expect(passes[0]?.reported).toMatchObject({ resolved: 1, unresolved: { 'it took too long': 1 } });
  });
});
