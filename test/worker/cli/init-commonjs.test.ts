import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { refuseOldNode } from '../../../worker/cli/node-version.ts';
import { ProposedConfig } from '../../support/proposed-config.ts';
import type { TestFile } from '../../support/sqlite.ts';
import { createFile } from '../../support/sqlite.ts';

describe('init in a package of CommonJS, as npm init makes one', () => {
  let file: TestFile;
  let config: ProposedConfig;
  beforeEach(() => {
    file = createFile(`
      create table login_log (id integer primary key, at datetime not null);
      insert into login_log values (1, '2020-01-01 00:00:00')`);
    config = new ProposedConfig(file.url);
    writeFileSync(join(config.folder, 'package.json'), '{ "type": "commonjs" }');
  });
  afterEach(() => {
    config.remove();
    file.drop();
  });

  test('writes a file that Node.js takes for a module, and every command finds it', async () => {
    expect(await config.type('init')).toMatchObject({ code: 0 });
    expect(existsSync(config.file)).toBe(false);
    const { code, stdout } = await config.type('preview');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('1 row would go') });
  });

  test('and so does one that does not say what it is, for which Node.js would warn', async () => {
    writeFileSync(join(config.folder, 'package.json'), '{ "dependencies": {} }');
    expect(await config.type('init')).toMatchObject({ code: 0 });
    expect(existsSync(config.file)).toBe(false);
    expect(await config.type('preview')).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('Warning') as unknown,
    });
  });

  test('a file that it takes for none is told what to do', async () => {
    await config.type('init');
    renameSync(join(config.folder, 'vacuum.config.mts'), config.file);
    const { code, stderr } = await config.type('preview');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('Name it vacuum.config.mts, or say "type": "module" in package.json'),
    });
  });
});

test.each([
  ['v20.20.2', true],
  ['v21.9.0', true],
  ['v22.0.0', false],
  ['v24.21.0', false],
] as const)('Node.js %s is refused with a sentence: %s', (version, refused) => {
  expect(refuseOldNode(version) !== undefined).toBe(refused);
});
