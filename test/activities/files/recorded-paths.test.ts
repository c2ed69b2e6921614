import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { RecordedPath } from '../../../policy/file-root.ts';
import { fileRoot, recordedPath } from '../../../policy/file-root.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';
import { makeFastFolder } from '../../support/memory-disk.ts';

const Asset = defineEntity({
  name: 'Asset',
  properties: {
    id: p.integer().primary(),
    original: p.string().nullable(),
    variants: p.json().nullable(),
    meta: p.json().nullable(),
    paths: p.array().nullable(),
    at: p.datetime(),
  },
});

/** Asset 1 and 2 are old, 3 is young. What 2 and 3 record both stays. */
const schemaFor = (json: string, list: string): string => `
  create table asset (
    id integer primary key, original text, variants ${json}, meta ${json}, paths ${list}, at timestamp with time zone not null);
  insert into asset (id, original, variants, meta, at) values
    (1, 'o/1.jpg', '["v/1a.webp", "v/1b.webp"]', '{"files": [{"path": "m/1.mp4"}, {"path": null}, {"other": "o/3.jpg"}]}', ${daysAgo(31)}),
    (2, 'o/2.jpg', '["v/2.webp", "v/both.webp"]', '{"files": {"path": "m/2.mp4"}}', ${daysAgo(31)}),
    (3, 'o/3.jpg', '["v/3.webp", "v/both.webp"]', null, ${daysAgo(29)});`;

const FILES = [
  'o/1.jpg',
  'o/2.jpg',
  'o/3.jpg',
  'p/1-x.webp',
  'p/2-x.webp',
  'p/3-x.webp',
  'v/1a.webp',
  'v/1b.webp',
  'v/2.webp',
  'v/3.webp',
  'v/both.webp',
  'm/1.mp4',
  'm/2.mp4',
  'stray.txt',
];
const OF_3 = ['o/3.jpg', 'p/3-x.webp', 'v/3.webp', 'v/both.webp'];

const ORIGINAL = recordedPath({ entity: Asset, path: 'original' });
const PREVIEW = recordedPath({ entity: Asset, path: 'p/{id}-x.webp' });
const VARIANTS = recordedPath({ entity: Asset, path: 'variants', json: '$[*]' });
const META = recordedPath({ entity: Asset, path: 'meta', json: '$.files[*].path' });
const ALL = [ORIGINAL, PREVIEW, VARIANTS, META];

describe.each(DIALECTS)('paths that rows record, on %s', (dialect, open) => {
  const isPostgres = dialect === 'PostgreSQL';
  let database: EitherDatabase;
  let folder: string;

  beforeEach(async () => {
    database = await open(schemaFor(isPostgres ? 'jsonb' : 'json', isPostgres ? 'text[]' : 'text'));
    folder = makeFastFolder('paths');
    for (const file of FILES) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), file);
      utimesSync(join(folder, file), new Date(Date.now() - 9e8), new Date(Date.now() - 9e8));
    }
  });
  afterEach(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const files = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => statSync(join(folder, file)).isFile())
      .toSorted();

  function deleting(recordedBy: readonly RecordedPath[]): Policy {
    const root = fileRoot({ name: 'media', store: localDisk(folder), recordedBy });
    return definePolicy({
      name: 'p',
      enabled: true,
      entities: [Asset],
      passes: [
        expireRows({ name: 'old', entity: Asset, age: 'at', olderThan: '30 days', files: [root] }),
        deleteRecordedFiles({ name: 'files', from: 'old', root }),
      ],
    });
  }

  function sweeping(recordedBy: readonly RecordedPath[]): Policy {
    const root = fileRoot({ name: 'media', store: localDisk(folder), recordedBy });
    const sweep = sweepStrayFiles({ name: 'files', root, remove: true, maxStrayRatio: 1 });
    return definePolicy({ name: 'p', enabled: true, entities: [Asset], passes: [sweep] });
  }

  /** Previews and runs a policy. The files that are removed must be as many as the preview says. */
  async function run(policy: Policy, options: object = {}): Promise<LedgerReport> {
    const opened = await openDatabase(database.url);
    const names = policy.passes.map(({ name }) => name);
    const { passes } = await previewPolicy(opened, policy, names);
    await opened.close();
    const report = await runEngine(database.url, policy, options);
    expect(report.passes.at(-1)?.files).toBe(passes.at(-1)?.files);
    return report;
  }

  test.each([{}, { size: 1 }, { lockFirst: true }])(
    'all go with their row, whatever has them: %j',
    async (options) => {
      await run(deleting(ALL), options);
      expect(files()).toEqual([...OF_3, 'stray.txt'].toSorted());
      expect(await database.ids('asset')).toEqual([3]);
    },
  );

  test.each([
    ['several columns', [ORIGINAL, VARIANTS], ['m/1.mp4', 'm/2.mp4', 'p/1-x.webp', 'p/2-x.webp']],
    [
      'a pattern',
      [PREVIEW],
      ['m/1.mp4', 'm/2.mp4', 'o/1.jpg', 'o/2.jpg', 'v/1a.webp', 'v/1b.webp', 'v/2.webp'],
    ],
    [
      'members of JSON',
      [META],
      ['o/1.jpg', 'o/2.jpg', 'p/1-x.webp', 'p/2-x.webp', 'v/1a.webp', 'v/1b.webp', 'v/2.webp'],
    ],
  ])('only those that are named go: %s', async (_, recordedBy, others) => {
    await run(deleting(recordedBy));
    expect(files()).toEqual([...OF_3, ...others, 'stray.txt'].toSorted());
  });

  test('a sweep knows all of them', async () => {
    await run(sweeping(ALL));
    expect(files()).toEqual(FILES.filter((file) => file !== 'stray.txt').toSorted());
  });

  const MISREAD = `'[{"name": "v/1a.webp"}, "v/3.webp", 7]'`;

  test('what cannot be read of a row that stays keeps each file whose name stands there', async () => {
    await database.execute(`update asset set variants = ${MISREAD} where id = 3`);
    await run(deleting([ORIGINAL, VARIANTS]));
    expect(files()).toContain('v/1a.webp');
    expect(files()).not.toContain('v/1b.webp');
    expect(files()).not.toContain('v/both.webp');
  });

  test('what cannot be read of a row that goes leaves its files', async () => {
    await database.execute(`update asset set variants = ${MISREAD} where id = 1`);
    await run(deleting([VARIANTS]));
    expect(files()).toEqual(FILES.filter((file) => file !== 'v/2.webp').toSorted());
  });

  test('a sweep that removes is refused as long as something cannot be read', async () => {
    await database.execute(`update asset set variants = ${MISREAD} where id = 3`);
    const opened = await openDatabase(database.url);
    const { passes } = await previewPolicy(opened, sweeping(ALL), ['files']);
    await opened.close();
    expect(passes[0]?.files).toBe(0);
    await expect(runEngine(database.url, sweeping(ALL))).rejects.toThrow(
      /the JSON of 1 row has something else where the paths should be/,
    );
    expect(files()).toEqual(FILES.toSorted());
  });

  test('what cannot have paths is refused by name', async () => {
    const refusal = async (recorded: object): Promise<string> =>
      runEngine(database.url, deleting([recorded as RecordedPath])).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    expect(await refusal({ entity: Asset, path: 'id' })).toContain('names Asset.id, which is no text');
    expect(await refusal({ entity: Asset, path: 'id', json: '$[*]' })).toContain('which is no JSON');
    expect(await refusal({ entity: Asset, path: 'variants' })).toContain(`as json: '$[*]'`);
    expect(await refusal({ entity: Asset, path: 'variants', json: 'files' })).toContain(
      'Say where the paths stand',
    );
    expect(await refusal({ entity: Asset, path: 'p/{nothing}.webp' })).toContain(
      'names "nothing", which is no property',
    );
    expect(await refusal({ entity: Asset, path: 'p/{at}.webp' })).toContain('of which a path cannot be made');
    expect(await refusal({ entity: Asset, path: 'p/{id.webp' })).toContain('of which a path cannot be made');
    expect(files()).toEqual(FILES.toSorted());
  });

  if (isPostgres) {
    test('each element of a list is a path', async () => {
      await database.execute(
        `update asset set paths = array['v/1a.webp', 'v/both.webp', '', null] where id = 1`,
      );
      await database.execute(`update asset set paths = array['v/both.webp'] where id = 3`);
      const list = recordedPath({ entity: Asset, path: 'paths' });
      await run(deleting([list]));
      expect(files()).toEqual(FILES.filter((file) => file !== 'v/1a.webp').toSorted());
      await run(sweeping([list]));
      expect(files()).toEqual(['v/both.webp']);
    });
  } else {
    test('a value that is no JSON is none that can be read', async () => {
      await database.execute(`update asset set variants = 'v/1a.webp and more' where id = 3`);
      await run(deleting([VARIANTS]));
      expect(files()).toContain('v/1a.webp');
      await expect(runEngine(database.url, sweeping(ALL))).rejects.toThrow(
        /the JSON of 1 row has something else/,
      );
    });
  }
});
