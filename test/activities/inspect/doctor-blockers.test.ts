import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { DIALECTS } from '../../support/either.ts';

const Version = defineEntity({
  name: 'Version',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Page = defineEntity({
  name: 'Page',
  properties: { id: p.integer().primary(), versionId: p.integer() },
});

describe.each(DIALECTS)('foreign keys that keep rows, on %s', (_, open) => {
  let database: EitherDatabase;
  beforeEach(async () => {
    database = await open(`
      create table version (id integer primary key, at timestamp with time zone);
      create table page (id integer primary key, version_id integer references version on delete cascade);
      create table task (id integer primary key, version_id integer references version on delete restrict);
      create table review (id integer primary key, page_id integer references page);
      create index page_version on page (version_id)`);
  });
  afterEach(async () => database.drop());

  const read = async (options: object): Promise<string[]> => {
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Version, Page],
      passes: [expireRows({ name: 'old', entity: Version, age: 'at', olderThan: '1 day', ...options })],
    });
    const opened = await openDatabase(database.url);
    try {
      const findings = await examineDatabase(opened, policy);
      return findings.flatMap(({ state, what }) => (state === 'advice' ? [what] : []));
    } finally {
      await opened.close();
    }
  };

  test('are named by doctor before the first run, with the table that references', async () => {
    const said = (await read({})).filter((what) => what.includes('it keeps rows'));
    expect(said).toEqual([
      expect.stringMatching(
        /^it keeps rows as long as rows of task that stay reference them, by foreign key .+$/,
      ),
      expect.stringMatching(
        /^it keeps rows as long as rows of review that stay reference their rows of page, by foreign key .+$/,
      ),
    ]);
  });

  test('are none if what references goes before', async () => {
    await database.execute('drop table review');
    await database.execute('drop table task');
    const said = await read({ with: [softChild({ entity: Page, by: 'versionId' })] });
    expect(said.filter((what) => what.includes('it keeps rows'))).toEqual([]);
  });
});
