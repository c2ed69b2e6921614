import { join } from 'node:path';

import { expect } from '@jest/globals';

import type { TestDatabase } from '../database.ts';
import { createDatabase, openDatabase } from '../database.ts';
import type { EngineOptions } from '../engine.ts';
import type { OlderPrefectVersion } from '../parts/bring.ts';
import type { TestFile } from '../sqlite.ts';
import { openFile } from '../sqlite.ts';
import { runAsPreviewed } from '../truth.ts';
import { copyToSqlite } from './copy-to-sqlite.ts';
import { makeEveryKind } from './every-kind.ts';
import { everyPass } from './every-pass.ts';
import { PrefectHome } from './home.ts';
import { readIds, TABLES } from './model.ts';
import { migratePrefect } from './server.ts';

/** Files that migrations of Prefect made, with the rows of a PostgreSQL database, and what a run leaves of them there. */
export class AsOnPostgres {
  readonly #homes: ReadonlyMap<string, PrefectHome>;
  readonly #filled: TestDatabase;
  readonly #left: Record<string, string[]>;
  readonly #gone: Record<string, number>;

  private constructor(
    homes: ReadonlyMap<string, PrefectHome>,
    filled: TestDatabase,
    left: Record<string, string[]>,
    gone: Record<string, number>,
  ) {
    this.#homes = homes;
    this.#filled = filled;
    this.#left = left;
    this.#gone = gone;
  }

  /** Has each version make a file; undefined is the version of the tests. Rows are of every kind, on both sides of every boundary. */
  static async prepare(versions: readonly (OlderPrefectVersion | undefined)[]): Promise<AsOnPostgres> {
    const homes = new Map<string, PrefectHome>();
    for (const version of versions) {
      const home = new PrefectHome();
      homes.set(version ?? '', home);
      await migratePrefect(home, urlIn(home), version);
    }
    const filled = await createDatabase();
    const connected = openDatabase(filled.url);
    await makeEveryKind(connected);
    // A database can be copied while nobody is connected to it.
    await connected.drop();
    const copy = await createDatabase(filled.name);
    const gone = sumByTable(await runAsPreviewed(copy.url, everyPass()));
    const left = [...(await readIds(copy))].map(([table, ids]) => [table, [...ids].toSorted()] as const);
    await copy.drop();
    return new AsOnPostgres(homes, filled, Object.fromEntries(left), gone);
  }

  /** The URL of the file of a version, as Prefect writes it. */
  url(version?: string): string {
    return urlIn(this.#home(version));
  }

  /** Opens the file of a version. */
  open(version?: string): TestFile {
    return openFile(join(this.#home(version).folder, 'prefect.db'));
  }

  /** Opens the file of a version, with the rows. */
  async fill(version?: string): Promise<TestFile> {
    const file = this.open(version);
    await copyToSqlite(this.#filled, file);
    return file;
  }

  /** Expects that a run deletes what it deletes on PostgreSQL, as previewed, and leaves the file sound. */
  async expectSameRows(version: string | undefined, options: EngineOptions): Promise<void> {
    const file = await this.fill(version);
    const deleted = await runAsPreviewed(file.url, everyPass(), options);
    expect(sumByTable(deleted)).toEqual(this.#gone);
    expect(readFileIds(file)).toEqual(this.#left);
    expect(file.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(file.rows('pragma foreign_key_check')).toEqual([]);
    file.drop();
  }

  async remove(): Promise<void> {
    await this.#filled.drop();
    for (const home of this.#homes.values()) home.remove();
  }

  #home(version = ''): PrefectHome {
    const home = this.#homes.get(version);
    if (home === undefined) throw new Error(`no file of Prefect ${version}`);
    return home;
  }
}

/** The ids of the rows of each table, in order. */
export function readFileIds(file: TestFile): Record<string, string[]> {
  return Object.fromEntries(
    TABLES.map((table) => [
      table,
      file
        .rows<{ id: string }>(`select id from ${table}`)
        .map(({ id }) => id)
        .toSorted(),
    ]),
  );
}

function urlIn(home: PrefectHome): string {
  return `sqlite+aiosqlite:///${join(home.folder, 'prefect.db')}`;
}

/** Rows by table, of all passes: where an index is missing another pass deletes the same rows. */
function sumByTable(
  byPass: Readonly<Record<string, Readonly<Record<string, number>>>>,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [table, rows] of Object.values(byPass).flatMap((tables) => Object.entries(tables))) {
    sums[table] = (sums[table] ?? 0) + rows;
  }
  return sums;
}
