import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { defineEntity, p } from '@mikro-orm/core';

import { localDisk } from '../../activities/files/local-disk.ts';
import type { Preview } from '../../activities/inspect/preview.ts';
import { previewPolicy } from '../../activities/inspect/preview.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import type { PreviewedPass } from '../../activities/stored/report.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { deleteRecordedFiles } from '../../policy/delete-recorded-files.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import type { FileRoot } from '../../policy/file-root.ts';
import { fileRoot, recordedPath } from '../../policy/file-root.ts';
import type { Pass } from '../../policy/pass.ts';
import { definePolicy } from '../../policy/policy.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';
import type { EngineOptions } from './engine.ts';
import { runEngine } from './engine.ts';

// Pictures with a file each: what passes that delete files are tested with.

export const Picture = defineEntity({
  name: 'Picture',
  properties: {
    id: p.integer().primary(),
    takenAt: p.datetime(),
    path: p.text().nullable(),
    albumId: p.integer().nullable(),
  },
});
/** Records files of the same root. */
export const Cover = defineEntity({
  name: 'Cover',
  properties: { id: p.integer().primary(), path: p.text() },
});
export const Album = defineEntity({
  name: 'Album',
  properties: { id: p.integer().primary(), closedAt: p.datetime(), shelfId: p.integer().nullable() },
});
export const Shelf = defineEntity({
  name: 'Shelf',
  properties: { id: p.integer().primary(), clearedAt: p.datetime() },
});

/** In memory where there is such a place, since what is tested is not the disk. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A folder with files, and a database whose rows record them. */
export class Pictures {
  readonly database: TestDatabase;
  /** Beside the root lies what no pass may touch. */
  readonly outside: string;
  readonly folder: string;
  readonly root: FileRoot;

  private constructor(database: TestDatabase, base: string) {
    this.database = database;
    this.outside = join(base, 'outside');
    this.folder = join(base, 'pictures');
    mkdirSync(this.outside, { recursive: true });
    mkdirSync(this.folder, { recursive: true });
    this.root = rootAt(this.folder);
  }

  static async create(): Promise<Pictures> {
    const database = await createDatabase('template0');
    await database.rows(`
      create table shelf (id integer primary key, cleared_at timestamptz not null);
      create table album (id integer primary key, closed_at timestamptz not null, shelf_id integer);
      create table picture (id integer primary key, taken_at timestamptz not null, path text, album_id integer);
      create index on picture (path);
      create index on picture (taken_at);
      create index on picture (album_id);
      create table cover (id integer primary key, path text not null);
      create index on cover (path)`);
    return new Pictures(database, mkdtempSync(join(FOLDER, 'temporal-vacuum-pictures-')));
  }

  /** Rows of so many days ago with these paths, numbered on from what is there. */
  async add(days: number, paths: readonly (string | null)[], album: number | null = null): Promise<void> {
    await this.database.rows(
      `insert into picture
       select (select count(*) from picture) + n, now() - $1 * interval '1 day', path, $3
       from unnest($2::text[]) with ordinality as p(path, n)`,
      [days, paths, album],
    );
  }

  /** A file of so many bytes, changed so many days ago. */
  write(key: string, bytes = 10, days = 100): void {
    const path = join(this.folder, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.alloc(bytes));
    const at = Date.now() / 1000 - days * 86_400;
    utimesSync(path, at, at);
  }

  /** The keys of all files that are there, without what links lead to. */
  files(folder = ''): string[] {
    return readdirSync(join(this.folder, folder), { withFileTypes: true })
      .flatMap((entry) => {
        const key = join(folder, entry.name);
        return entry.isDirectory() ? this.files(key) : entry.isFile() ? [key] : [];
      })
      .toSorted();
  }

  async preview(policy: Policy): Promise<Preview> {
    const database = await openDatabase(this.database.url);
    try {
      const names = policy.passes.map(({ name }) => name);
      return await previewPolicy(database, policy, names);
    } finally {
      await database.close();
    }
  }

  /** Runs a policy with the engine alone. */
  async run(policy: Policy, options: EngineOptions = {}): Promise<LedgerReport> {
    return runEngine(this.database.url, policy, options);
  }

  /** Previews, runs, and throws if the two say other things of files. */
  async runAsPreviewed(policy: Policy, options: EngineOptions = {}): Promise<LedgerReport> {
    const preview = await this.preview(policy);
    const report = await this.run(policy, options);
    const told = ({ name, files, bytes }: PreviewedPass | LedgerReport['passes'][number]): string =>
      `${name}: ${files} files, ${bytes} bytes`;
    const [previewed, removed] = [preview.passes.map(told).join('; '), report.passes.map(told).join('; ')];
    if (previewed !== removed) throw new Error(`previewed ${previewed}, removed ${removed}`);
    return report;
  }

  /** How many files wait in the ledger. */
  async waiting(): Promise<number> {
    return this.database.value('select count(*)::int from vacuum.file');
  }

  async drop(): Promise<void> {
    rmSync(dirname(this.folder), { recursive: true, force: true });
    await this.database.drop();
  }
}

/** So many keys, in several folders. */
export function keys(count: number, prefix = 'f'): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}/${n % 7}/${n}.jpg`);
}

/** The root of pictures at a folder. */
export function rootAt(folder: string): FileRoot {
  return fileRoot({
    name: 'pictures',
    store: localDisk(folder),
    recordedBy: [
      recordedPath({ entity: Picture, path: 'path' }),
      recordedPath({ entity: Cover, path: 'path' }),
    ],
  });
}

/** Pictures older than a day go, with their files. */
export function withFiles(root: FileRoot, options: object = {}): Pass[] {
  return [
    expireRows({
      name: 'old',
      entity: Picture,
      age: 'takenAt',
      olderThan: '1 day',
      files: [root],
      ...options,
    }),
    deleteRecordedFiles({ name: 'files', from: 'old', root }),
  ];
}

/** An enabled policy over the pictures. */
export function picturesPolicy(...passes: Pass[]): Policy {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Picture, Cover, Album, Shelf],
    passes,
    // Nearly all rows go, which guards would stop.
    limits: { maxPercent: 100, maxGrowth: Infinity, allowNewest: true },
  });
}
