import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

import { prefect } from '../../policy/presets/prefect/index.ts';
import { EXIT } from '../../worker/cli/exit-code.ts';
import { cli } from '../support/cli.ts';
import { ROOT } from '../support/parts/bring.ts';

const run = promisify(execFile);
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const TOKEN = 'a-token-of-forty-characters-or-a-bit-more';

/** Whether a command of a manifest is understood: it gets as far as Temporal, which is not there. */
async function expectUnderstood(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const local = args.map((word) => word.replace(/^(0\.0\.0\.0|127\.0\.0\.1):8089$/, '$1:0'));
  const { code, stderr } = await cli(local, {
    env: {
      VACUUM_DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      VACUUM_HTTP_TOKEN: TOKEN,
      ...env,
    },
  });
  expect({ args, code, stderr }).toEqual({ args, code: EXIT.unreachable, stderr: expect.any(String) });
}

/** Whether the settings of the policy in an environment are what their names say. */
function expectDisabled(env: Readonly<Record<string, string>>): void {
  expect(prefect({}, env).enabled).toBe(false);
  const enabled = { ...env, PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: 'true' };
  expect(prefect({}, enabled).enabled).toBe(true);
  // A duration that is not read would be refused here.
  const bad = { ...enabled, PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD: 'ever' };
  expect(() => prefect({}, bad)).toThrow('RETENTION_PERIOD');
}

describe('docker compose', () => {
  interface Service {
    readonly command: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly ports?: readonly string[];
    readonly healthcheck?: object;
    readonly depends_on?: readonly string[] | Readonly<Record<string, object>>;
    readonly stop_grace_period?: string;
  }
  const text = read('deploy/compose.yaml');
  const { services } = parse(text) as { services: Readonly<Record<string, Service>> };

  test('has its secrets from .env, whose example names all of them', () => {
    const wanted = [...text.matchAll(/\$\{(?<name>\w+)/g)].map(({ groups }) => groups?.['name']);
    const example = read('deploy/.env.example').matchAll(/^(?<name>\w+)=/gm);
    expect(new Set([...example].map(({ groups }) => groups?.['name']))).toEqual(new Set(wanted));
    expect(text).not.toMatch(/(PASSWORD|PWD|TOKEN): ['"]?\w/);
  });

  test('starts what the vacuum needs and cleans', () => {
    const names = Object.keys(services);
    expect(names).toEqual(expect.arrayContaining(['postgres', 'prefect', 'temporal', 'vacuum']));
    const wanted = Object.values(services).flatMap(({ depends_on: needs = [] }) =>
      Array.isArray(needs) ? needs : Object.keys(needs),
    );
    expect(wanted.length).toBeGreaterThan(2);
    expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('is reached from this machine alone, and deletes nothing before .env says so', async () => {
    for (const { ports = [] } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    const { vacuum, prefect: server } = services;
    expect(server?.environment['PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED']).toBe('false');
    const defaults = Object.fromEntries(
      Object.entries(vacuum?.environment ?? {}).map(([name, value]) => [
        name,
        value.replace(/\$\{\w+:-(?<usual>[^}]*)\}/, '$<usual>'),
      ]),
    );
    expectDisabled(defaults);
    expect(vacuum?.stop_grace_period).toBe('30s');
    await expectUnderstood(vacuum?.command.split(' ') ?? []);
  });
});

describe('kubernetes', () => {
  interface Container {
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
    readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    readonly securityContext: object;
    readonly startupProbe: Probe;
    readonly livenessProbe: Probe;
    readonly readinessProbe: Probe;
  }
  interface Probe {
    readonly httpGet: { readonly path: string; readonly port: string };
  }
  interface Pod {
    readonly securityContext: object;
    readonly terminationGracePeriodSeconds: number;
    readonly initContainers: readonly Container[];
    readonly containers: readonly Container[];
  }
  const { spec } = parse(read('deploy/kubernetes/deployment.yaml'), { merge: true }) as {
    spec: { template: { metadata: { labels: object }; spec: Pod } };
  };
  const pod = spec.template.spec;
  const [worker] = pod.containers;

  test('has the files that its kustomization names, and a service for its pods', () => {
    const { resources } = parse(read('deploy/kubernetes/kustomization.yaml')) as { resources: string[] };
    expect(resources.filter((name) => !existsSync(join(ROOT, 'deploy/kubernetes', name)))).toEqual([]);
    const service = parse(read('deploy/kubernetes/service.yaml')) as {
      spec: { selector: object; ports: { targetPort: string }[] };
    };
    expect(spec.template.metadata.labels).toMatchObject(service.spec.selector);
    expect(worker?.ports?.map(({ name }) => name)).toEqual(service.spec.ports.map((port) => port.targetPort));
  });

  test('probes paths that need no token, on the port that the worker serves', () => {
    expect(worker?.startupProbe.httpGet).toEqual({ path: '/healthz', port: 'http' });
    expect(worker?.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http' });
    expect(worker?.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    expect(worker?.args).toContain(`0.0.0.0:${worker?.ports?.[0]?.containerPort}`);
  });

  test('is not root, writes nowhere, has its secrets from a secret, and gives a batch time to commit', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    for (const { securityContext, env } of [...pod.containers, ...pod.initContainers]) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      const secrets = env.filter(({ name }) => /URL|TOKEN|PASSWORD/.test(name));
      expect(secrets.length).toBeGreaterThan(0);
      for (const { valueFrom, value } of secrets) {
        expect(valueFrom).toHaveProperty('secretKeyRef');
        expect(value).toBeUndefined();
      }
    }
    expect(pod.terminationGracePeriodSeconds).toBe(30);
  });

  test('starts commands that are understood, and deletes nothing before it is enabled', async () => {
    for (const { args, env } of [...pod.containers, ...pod.initContainers]) {
      const values = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const]));
      expectDisabled(Object.fromEntries(values));
      await expectUnderstood(args);
    }
  });
});

describe('systemd', () => {
  const unit = read('deploy/systemd/temporal-vacuum.service');
  const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

  test('starts a worker that is understood, and not again if its settings are wrong', async () => {
    const [program = '', ...args] = setting('ExecStart').split(' ');
    expect(program).toMatch(/\/node_modules\/\.bin\/temporal-vacuum$/);
    expect(Number(setting('RestartPreventExitStatus'))).toBe(EXIT.issue);
    expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(15);
    expect(setting('User')).not.toBe('root');
    await expectUnderstood(args);
  });

  test('has nothing that systemd does not know', async () => {
    const verify = run('systemd-analyze', ['verify', join(ROOT, 'deploy/systemd/temporal-vacuum.service')]);
    const complaints = await verify.then(
      ({ stderr }) => stderr,
      (error: { stderr?: string }) => error.stderr ?? '',
    );
    // The program is not installed on this machine, and systemd itself may not be either.
    expect(complaints).not.toMatch(/Unknown|Invalid|Failed to parse/i);
  });
});

test('the page names files of the deployment that are there', () => {
  const named = [...read('docs/deploy.md').matchAll(/(?<!test\/)\bdeploy\/[\w./-]*\w/g)].map(
    ([path]) => path,
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => path !== 'deploy/.env' && !existsSync(join(ROOT, path)))).toEqual([]);
});
