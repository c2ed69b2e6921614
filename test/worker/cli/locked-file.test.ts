import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import type { TestFile } from '../../support/sqlite.ts';
import { createFile } from '../../support/sqlite.ts';
import { waitFor } from '../../support/wait.ts';

describe('a command that writes to a SQLite file which another process keeps locked', () => {
  let file: TestFile;
  beforeEach(() => {
    file = createFile('create table item (id integer primary key)');
  });
  afterEach(() => file.drop());

  test('says after two seconds what it waits for, once, and goes on when the file is free', async () => {
    file.execute('begin immediate');
    let said = '';
    let saidAfter = 0;
    const started = performance.now();
    const command = cli(['ledger', 'migrate', '--url', file.url], {
      onStart: ({ stderr }) =>
        stderr?.on('data', (chunk: Buffer) => {
          saidAfter = performance.now() - started;
          said += chunk.toString();
        }),
    });
    await waitFor('the command to say that it waits', async () => said !== '');
    expect(said).toBe(
      `waiting for the write lock of file ${file.path}, which another process holds: the application in a long transaction, ` +
        `a backup, or a shell with an open transaction. \`fuser ${file.path}\` lists who has the file open\n`,
    );
    expect(saidAfter).toBeGreaterThan(2_000);
    file.execute('rollback');
    const { code, stdout, stderr } = await command;
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'the ledger in schema vacuum is created or upgraded\n',
    });
    expect(stderr.match(/waiting for the write lock/g)).toHaveLength(1);
  });
});
