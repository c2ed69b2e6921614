import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { temporalAddress } from '../../support/temporal.ts';

const fresh = FreshPrefect.forEach();

describe('doctor', () => {
  interface Finding {
    readonly about: string;
    readonly state: string;
    readonly what: string;
    readonly fix?: string;
  }
  const examine = async (
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; findings: Finding[] }> => {
    const { code, stdout } = await cli(
      ['doctor', 'prefect', ...fresh.at(), '--address', temporalAddress(), '--json'],
      { env },
    );
    return { code, findings: JSON.parse(stdout) as Finding[] };
  };

  test('finds a healthy database healthy', async () => {
    // Prefect itself has none for these.
    await fresh.database.rows(`
      create index on task_run_state_cache (cache_expiration);
      create index on task_run_state_cache (task_run_state_id)`);
    const { code, findings } = await examine();
    expect(code).toBe(0);
    expect(findings.filter((finding) => finding.state === 'problem')).toEqual([]);
    expect(findings.map((finding) => finding.about)).toEqual(
      expect.arrayContaining([
        'connection',
        'policy',
        'indexes',
        'ledger',
        'Temporal',
        'schedule',
        "Prefect's own vacuum",
      ]),
    );
  });

  test('says which index is missing or invalid, with the statement that helps', async () => {
    await fresh.database.rows('drop index ix_log__flow_run_id; drop index ix_log__flow_run_id_timestamp');
    await fresh.database.rows(
      'drop index ix_task_run__flow_run_id; drop index uq_task_run__flow_run_id_task_key_dynamic_key',
    );
    await fresh.database.rows(
      `update pg_index set indisvalid = false where indexrelid = 'ix_flow_run__end_time_desc'::regclass`,
    );
    const { code, findings } = await examine();
    expect(code).toBe(0);
    const fixes = findings.map((finding) => finding.fix).filter((fix) => fix !== undefined);
    expect(fixes).toEqual(
      expect.arrayContaining([
        'create index concurrently on "public"."log" ("flow_run_id");',
        'create index concurrently on "public"."task_run" ("flow_run_id");',
        'reindex index concurrently "ix_flow_run__end_time_desc";',
      ]),
    );
    await fresh.database.rows(fixes.find((fix) => fix.startsWith('create')) ?? 'select no fix');
  });

  test('finds what a role lacks a problem, in the database and in the ledger', async () => {
    await cli(['ledger', 'migrate', ...fresh.at()]);
    const role = `doctored_${fresh.database.name}`;
    await fresh.database.rows(`create role ${role} login; grant select on log to ${role}`);
    const problems = async (): Promise<string> => {
      const { stdout } = await cli(['doctor', 'prefect', '--url', fresh.urlFor(role), '--json']);
      const findings = JSON.parse(stdout) as Finding[];
      return findings.map(({ state, what }) => (state === 'problem' ? what : '')).join('\n');
    };
    expect(await problems()).toContain('the role may not read and write its tables in schema vacuum');
    await fresh.database.rows(`
      grant usage on schema vacuum to ${role};
      grant select on all tables in schema vacuum to ${role}`);
    const found = await problems();
    expect(found).toContain('may not update, delete rows of entity Log');
    expect(found).toContain('may not select, update, delete rows of entity FlowRun');
    const tables = 'batch, file, guard, hold, kept, pass, reclaim, run, size';
    expect(found).toContain(`the role may not read and write ${tables} in schema vacuum`);
    await fresh.database.rows(`drop owned by ${role}; drop role ${role}`);
  });

  test('finds servers that do not respond a problem, each with its name', async () => {
    const url = 'postgresql://me:topsecret@127.0.0.1:1/none';
    const args = ['doctor', 'prefect', '--url', url, '--address', '127.0.0.1:1', '--json'];
    const { code, stdout } = await cli(args);
    expect(code).toBe(1);
    const findings = JSON.parse(stdout) as Finding[];
    const problems = findings.filter(({ state }) => state === 'problem');
    expect(problems.map(({ about }) => about)).toEqual(['connection', 'Temporal']);
    expect(stdout).not.toContain('topsecret');
  });

  test('tells the run that holds the lease, and closes it by hand where its Temporal is gone', async () => {
    await cli(['ledger', 'migrate', ...fresh.at()]);
    await fresh.database.rows(`
      insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings)
      values ('prefect', 'execute', 'running', 'lost', 'lost', 'gone/default', '{}')`);
    const { findings } = await examine();
    const open = findings.find(({ about }) => about === 'open run');
    expect(open?.what).toContain('run 1 of workflow lost in Temporal gone/default is open');
    expect(open?.fix).toContain('temporal-vacuum ledger close 1');
    expect((await cli(['ledger', 'close', '1', ...fresh.at()])).stdout).toContain('run 1 is closed');
    expect(await fresh.database.rows('select status, reasons from vacuum.run')).toEqual([
      { status: 'terminated', reasons: ['closed by hand'] },
    ]);
    const again = await cli(['ledger', 'close', '1', ...fresh.at()]);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('run 1: it is terminated already');
  });

  test('asks the Prefect server itself where it is named', async () => {
    const server = createServer((_, answer) => {
      answer.end(JSON.stringify({ server: { services: { db_vacuum: { enabled: ['events'] } } } }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const { port } = server.address() as AddressInfo;
    const { findings } = await examine({
      PREFECT_API_URL: `http://127.0.0.1:${port}/api`,
      PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: 'true',
    });
    await new Promise((resolve) => server.close(resolve));
    const own = findings.find((finding) => finding.about === "Prefect's own vacuum");
    expect(own).toMatchObject({ state: 'ok', what: 'the server says ["events"]' });
  });

  test('finds a missing table a problem', async () => {
    await fresh.database.rows('drop table artifact_collection');
    const { code, findings } = await examine();
    expect(code).toBe(1);
    expect(findings.find((finding) => finding.state === 'problem')?.what).toContain(
      'artifact_collection is missing',
    );
  });

  test('says that Prefect’s own vacuum is on as well', async () => {
    const { findings } = await examine({ PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: 'events,flow_runs' });
    expect(findings.find((finding) => finding.about === "Prefect's own vacuum")?.state).toBe('advice');
  });
});
