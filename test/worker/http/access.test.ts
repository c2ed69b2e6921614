import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';

const TOKEN = 'a-token-of-forty-characters-or-a-bit-more';

const PATHS = [
  '/api/system/workers',
  '/api/admin/cleanup/status',
  '/api/policies',
  '/api/runs',
  '/api/runs/1',
  '/api/tables',
  '/metrics',
  '/openapi.json',
];

describeNeeding(['temporal'], 'who may look', () => {
  const session = new TemporalSession();
  let shop: WatchedShop;
  let own: WorkerProcess;
  let shared: WorkerProcess;

  beforeAll(async () => {
    shop = await WatchedShop.prepare(session);
    own = await shop.serve();
    shared = await shop.serve('0.0.0.0:0', { VACUUM_HTTP_TOKEN: TOKEN });
  });
  afterAll(async () => {
    await shop.close();
    await session.close();
  });

  const ask = async (
    url: string,
    options: {
      readonly method?: string;
      readonly headers?: Record<string, string>;
      readonly agent?: Agent;
    } = {},
  ): Promise<IncomingMessage> => {
    const asked = request(url, options);
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer;
  };
  const askStatus = async (...of: Parameters<typeof ask>): Promise<number | undefined> =>
    (await ask(...of)).statusCode;

  test('on loopback: whoever calls it by a name of this machine, whatever port leads here', async () => {
    const { port } = new URL(own.url);
    const asHost = async (host: string): Promise<number | undefined> =>
      askStatus(`http://127.0.0.1:${port}/api/runs`, { headers: { host } });
    for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]:9', 'LocalHost:80']) {
      expect({ host, status: await asHost(host) }).toEqual({ host, status: 200 });
    }
    for (const host of ['rebound.example', 'localhost.example:80', '127.0.0.1.example', '10.0.0.1']) {
      expect({ host, status: await asHost(host) }).toEqual({ host, status: 421 });
    }
    const nameless = connect(Number(port), '127.0.0.1').end('GET /api/runs HTTP/1.0\r\n\r\n');
    expect((await text(nameless)).split('\r\n')[0]).toContain('421');
    expect(await askStatus(`${own.url}/`, { headers: { host: 'rebound.example' } })).toBe(421);
  });

  test('elsewhere: whoever has the token, by any name; the page, which has no data, and probes need none', async () => {
    const wrong = [
      {},
      { authorization: TOKEN },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${TOKEN}x` },
      { authorization: `Bearer ${TOKEN.slice(1)}` },
      { authorization: `Basic ${TOKEN}` },
    ];
    for (const path of [...PATHS, '/nothing/here']) {
      for (const headers of wrong) {
        const answer = await ask(`${shared.url}${path}`, { headers });
        expect({ path, headers, status: answer.statusCode }).toEqual({ path, headers, status: 401 });
        expect(answer.headers['www-authenticate']).toContain('Bearer');
      }
    }
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'vacuum.example' };
    for (const path of PATHS) {
      const expected = path === '/api/runs/1' ? 404 : 200;
      expect({ path, status: await askStatus(`${shared.url}${path}`, { headers }) }).toEqual({
        path,
        status: expected,
      });
    }
    for (const path of ['/', '/page/main.js', '/page/style.css', '/page/icon.svg', '/healthz']) {
      expect({ path, status: await askStatus(`${shared.url}${path}`) }).toEqual({ path, status: 200 });
    }
    // There is no ledger yet; why it is not ready is for those with the token.
    const readiness = async (given: Record<string, string>): Promise<unknown> =>
      (await fetch(`${shared.url}/readyz`, { headers: given })).json();
    expect(await askStatus(`${shared.url}/readyz`)).toBe(503);
    expect(await readiness({})).toEqual({ ready: false, reasons: [], lastRuns: [] });
    const { authorization } = headers;
    expect(await readiness({ authorization })).toEqual({
      ready: false,
      reasons: [expect.any(String)],
      lastRuns: [],
    });
    const foreign = { ...headers, 'sec-fetch-site': 'cross-site' };
    expect(await askStatus(`${shared.url}/api/runs`, { headers: foreign })).toBe(403);
    expect(shared.output).not.toContain(TOKEN);
  });

  test('only reads, and says in headers that nothing else may be loaded or framed', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE']) {
      for (const path of ['/api/runs', '/', '/nothing']) {
        const answer = await ask(`${own.url}${path}`, { method });
        expect({ method, path, status: answer.statusCode }).toEqual({ method, path, status: 405 });
        expect(answer.headers.allow).toBe('GET, HEAD');
      }
    }
    expect(await askStatus(`${own.url}/api/runs`, { method: 'HEAD' })).toBe(200);
    for (const path of ['/', '/api/runs', '/nothing', '/page/../../package.json', '/page/tsconfig.json']) {
      const { headers, statusCode } = await ask(`${own.url}${path}`);
      expect({ path, statusCode }).toEqual({
        path,
        statusCode: path === '/' || path === '/api/runs' ? 200 : 404,
      });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': path === '/' ? 'no-cache' : 'no-store',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('nobody any more once the worker is told to go, whoever keeps a connection', async () => {
    const leaving = await shop.serve();
    const agent = new Agent({ keepAlive: true });
    expect(await askStatus(`${leaving.url}/healthz`, { agent })).toBe(200);
    const began = Date.now();
    await leaving.end();
    expect(Date.now() - began).toBeLessThan(15_000);
    await expect(ask(`${leaving.url}/healthz`, { agent })).rejects.toThrow(
      /ECONNREFUSED|socket hang up|ECONNRESET/,
    );
    agent.destroy();
    expect(leaving.output).not.toContain('Error');
    await waitFor('its sessions to end', async () => {
      const left = await shop.database.value(
        `select count(*) from pg_stat_activity where datname = $1 and application_name = 'temporal-vacuum'`,
        [shop.database.name],
      );
      return left <= 4;
    });
  });
});
