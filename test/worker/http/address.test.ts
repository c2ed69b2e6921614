import { once } from 'node:events';
import { createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { ValidationError } from '../../../policy/issue.ts';
import { resolveHttpAddress, TOKEN_VARIABLE, formatUrl } from '../../../worker/http/address.ts';
import { cli } from '../../support/cli.ts';

const TOKEN = 'x'.repeat(24);

describe('the address to serve on', () => {
  const taken = createServer();
  let port: number;

  beforeAll(async () => {
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    ({ port } = taken.address() as { port: number });
  });
  afterAll(() => void taken.close());

  const listIssues = async (address: string, token?: string): Promise<string[]> => {
    try {
      await resolveHttpAddress(address, token === undefined ? {} : { [TOKEN_VARIABLE]: token });
      return [];
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      return error.issues.map(({ at, what }) => `${at}: ${what}`);
    }
  };

  test.each([
    ['127.0.0.1:0', undefined, { host: '127.0.0.1', port: 0, loopback: true, token: undefined }],
    ['127.9.9.9:0', undefined, { host: '127.9.9.9', port: 0, loopback: true, token: undefined }],
    ['localhost:0', undefined, { host: 'localhost', port: 0, loopback: true, token: undefined }],
    ['127.0.0.1:0', TOKEN, { host: '127.0.0.1', port: 0, loopback: true, token: TOKEN }],
    ['0.0.0.0:0', TOKEN, { host: '0.0.0.0', port: 0, loopback: false, token: TOKEN }],
  ])('%s', async (address, token, found) => {
    const environment = token === undefined ? {} : { [TOKEN_VARIABLE]: token };
    expect(await resolveHttpAddress(address, environment)).toEqual(found);
  });

  test('is written as a URL', () => {
    expect(formatUrl('127.0.0.1', 1)).toBe('http://127.0.0.1:1');
    expect(formatUrl('::1', 2)).toBe('http://[::1]:2');
  });

  test('without a token serves this machine alone', async () => {
    expect(await listIssues('0.0.0.0:0')).toEqual([
      'VACUUM_HTTP_TOKEN: other machines can reach 0.0.0.0, and there is no token',
    ]);
    expect(await listIssues('[::]:0', undefined)).toEqual(
      expect.arrayContaining([expect.stringContaining('and there is no token')]),
    );
  });

  test('has a token that cannot be guessed and that a header can carry', async () => {
    const at = 'VACUUM_HTTP_TOKEN:';
    for (const short of ['', 'x'.repeat(23)]) {
      expect(await listIssues('127.0.0.1:0', short)).toEqual([
        `${at} it has less than 24 characters and can be guessed`,
      ]);
    }
    expect(await listIssues('127.0.0.1:0', `${TOKEN} ${TOKEN}`)).toEqual([expect.stringContaining('spaces')]);
  });

  test('is one of this machine, with a port that is free', async () => {
    for (const bad of [
      '8089',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:65536',
      'http://127.0.0.1:1',
      '::1:80',
      '',
    ]) {
      expect(await listIssues(bad)).toEqual([`--http: ${JSON.stringify(bad)} is not a host and a port`]);
    }
    expect(await listIssues('nobody.invalid:80')).toEqual(['--http: there is no host nobody.invalid']);
    expect(await listIssues(`127.0.0.1:${port}`)).toEqual([expect.stringContaining('EADDRINUSE')]);
    expect(await listIssues('192.0.2.1:0', TOKEN)).toEqual([expect.stringContaining('EADDRNOTAVAIL')]);
  });

  test('and all else that is wrong is said together, before anything is begun', async () => {
    const args = ['worker', '--preset', 'prefect', '--url', 'postgresql://localhost:1/none'];
    const { code, stderr } = await cli([...args, '--set', 'nonsense=1', '--http', `127.0.0.1:${port}`], {
      env: { [TOKEN_VARIABLE]: 'short' },
    });
    expect(code).toBe(2);
    expect(stderr).toContain('3 mistakes');
    for (const at of ['--http:', 'VACUUM_HTTP_TOKEN:', 'nonsense']) expect(stderr).toContain(at);
    expect(stderr).not.toContain('short');
  });
});
