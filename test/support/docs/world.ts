import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { findTemporalCli } from '../../../worker/dev-server.ts';
import type { TestDatabase } from '../database.ts';
import { createDatabase } from '../database.ts';
import { BUNDLE, installedProject } from '../installed-project.ts';
import { BUNDLE_VARIABLE, USE_MADE_BUNDLE } from '../made-bundle.ts';
import { withoutOwnSettings } from '../own-settings.ts';
import { ROOT, TCTL } from '../parts/bring.ts';
import { fillPrefect } from '../prefect/fill.ts';
import { waitFor } from '../wait.ts';

/** What a page is about. */
export type WorldKind = 'prefect' | 'shop' | 'odds' | 'cameras';

/** What a command wrote and how it ended. */
export interface Typed {
  readonly code: number | null;
  readonly output: string;
}

const SHOP = join(ROOT, 'examples/shop');
const SHOP_FILES = [
  'entities.ts',
  'policy.ts',
  'workflows.ts',
  'activities.ts',
  'worker.ts',
  'vacuum.config.ts',
];

const ODDS = join(ROOT, 'examples/odds');
const ODDS_FILES = ['entities.ts', 'policy.ts', 'vacuum.config.ts'];
const CAMERAS = join(ROOT, 'examples/cameras');

/** URLs as documentation writes them; the user of the owner is another one here. */
const WRITTEN_URL = /postgresql(?<driver>\+\w+)?:\/\/(?<user>\w+)(:\w+)?@localhost:5432\/\w+/g;
const OWNERS = new Set(['prefect', 'shop', 'cameras']);

/**
 * Where the blocks of a page are typed: a folder of the installed project, a database of the page's own, and the
 * environment that its reader has.
 */
export class World {
  readonly folder: string;
  readonly database: TestDatabase;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #background: ChildProcess[] = [];

  private constructor(folder: string, database: TestDatabase, environment: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.database = database;
    this.#environment = environment;
  }

  static async open(kind: WorldKind, temporalAddress: string): Promise<World> {
    const project = await installedProject();
    const folder = mkdtempSync(join(project, 'page-'));
    if (kind === 'shop') for (const file of SHOP_FILES) cpSync(join(SHOP, file), join(folder, file));
    if (kind === 'odds') for (const file of ODDS_FILES) cpSync(join(ODDS, file), join(folder, file));
    if (kind === 'cameras') cpSync(CAMERAS, folder, { recursive: true });
    const database = await DATABASES[kind]();
    // What the run of the tests itself has set: a reader has programs on the path.
    const reader = Object.entries(withoutOwnSettings(process.env)).filter(
      ([name]) => !/^(TEMPORAL_CLI$|npm_)/.test(name),
    );
    const world = new World(folder, database, {
      ...Object.fromEntries(reader),
      PATH: pathWith(join(project, 'node_modules/.bin')),
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_CLI_ADDRESS: temporalAddress,
      // The test of the package has it bundled at each start.
      ...USE_MADE_BUNDLE,
      [BUNDLE_VARIABLE]: join(project, BUNDLE),
      ...(kind === 'shop' ? { SHOP_DATABASE_URL: database.url } : {}),
      ...(kind === 'odds' ? { ODDS_DATABASE_URL: database.url } : {}),
      ...(kind === 'cameras' ? { CAMERAS_DATABASE_URL: database.url, MEDIA_DIR: join(folder, 'media') } : {}),
    });
    if (kind === 'cameras') await world.generate();
    return world;
  }

  /** Has the example make its rows and files. */
  async generate(): Promise<void> {
    const { code, output } = await this.type('node generate.ts');
    if (code !== 0) throw new Error(`the example made no rows:\n${output}`);
  }

  /** Writes a block into the file that its first line names. */
  write(text: string): void {
    const name = /^\/\/ (?<name>\S+)\n/.exec(text)?.groups?.['name'];
    if (name === undefined) throw new Error(`the first line does not name a file:\n${text}`);
    writeFileSync(join(this.folder, name), text);
  }

  /** Types commands into a shell; what they export is there for the next ones. */
  async type(commands: string): Promise<Typed> {
    const child = this.#shell(`${commands}\nexport -p > .environment`);
    const output = collectOutput(child);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: output() };
  }

  /** Starts a worker that stays until the world is closed, and waits until it works. */
  async start(command: string): Promise<ChildProcess> {
    const child = this.#shell(command);
    this.#background.push(child);
    const output = collectOutput(child);
    await waitFor('the worker to work', async () => {
      if (child.exitCode !== null) throw new Error(`the worker ended:\n${output()}`);
      return /working on task queue|RUNNING/.test(output());
    });
    return child;
  }

  /** Runs a statement of a block in the database. */
  async query(sql: string): Promise<void> {
    await this.database.rows(sql);
  }

  async close(): Promise<void> {
    for (const child of this.#background) {
      const exited = once(child, 'exit');
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, 'SIGTERM');
        await exited;
      }
    }
    await this.database.drop();
  }

  #shell(commands: string): ChildProcess {
    const own = new URL(this.database.url);
    const real = commands.replaceAll(WRITTEN_URL, (_, driver: string | undefined, user: string) => {
      const role = OWNERS.has(user) ? own.username : user;
      return `postgresql${driver ?? ''}://${role}@${own.host}${own.pathname}`;
    });
    const script = `set -euo pipefail\n[ ! -e .environment ] || source .environment\n${real}`;
    return spawn('bash', ['-c', script], {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  }
}

function collectOutput(child: ChildProcess): () => string {
  const output: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  return () => output.join('');
}

function pathWith(bin: string): string {
  const programs = [findTemporalCli() ?? '', TCTL.path].map((path) => dirname(path));
  return [bin, dirname(process.execPath), ...programs, process.env['PATH'] ?? ''].join(delimiter);
}

/** The shop of `examples/shop`, with its rows. */
export async function createShopOfExamples(): Promise<TestDatabase> {
  const database = await createDatabase('template0');
  for (const file of ['schema.sql', 'rows.sql']) {
    await database.rows(readFileSync(join(SHOP, file), 'utf8'));
  }
  await database.rows('analyze');
  return database;
}

/** The odds of `examples/odds`, of few events. */
async function createOddsOfExamples(): Promise<TestDatabase> {
  const database = await createDatabase('template0');
  await database.rows(readFileSync(join(ODDS, 'schema.sql'), 'utf8'));
  const rows = readFileSync(join(ODDS, 'rows.sql'), 'utf8');
  await database.rows(`set odds.scale = '240'; ${rows}`);
  return database;
}

async function createFilledPrefect(): Promise<TestDatabase> {
  const database = await createDatabase();
  const client = await database.pool.connect();
  const size = { runs: 300, oldRuns: 200, logsPerRun: 5, tasksPerRun: 2, goneRuns: 20, logsPerGoneRun: 5 };
  await fillPrefect(client, size);
  client.release();
  await database.rows('analyze');
  return database;
}

const DATABASES: Readonly<Record<WorldKind, () => Promise<TestDatabase>>> = {
  prefect: createFilledPrefect,
  shop: createShopOfExamples,
  odds: createOddsOfExamples,
  cameras: async () => createDatabase('template0'),
};
