import { describe, expect, test } from '@jest/globals';

import { displayUrl, findServers } from '../../../../activities/dialect/postgresql/hosts.ts';
import { parseUrl } from '../../../../activities/dialect/postgresql/url.ts';

/** What a URL says, in short: `user|password|hosts|database|rest`. */
function read(url: string): string {
  const { user = '', password = '', hosts, database = '', parameters } = parseUrl(url);
  const list = hosts.map(({ host = '', port = '' }) => (port === '' ? host : `${host} ${port}`));
  return [user, password, list.join(', '), database, parameters.toString()].join('|');
}

describe('a database URL', () => {
  test.each([
    ['postgresql://u:p@h:5433/d', 'u|p|h 5433|d|'],
    ['postgres://u@h/d', 'u||h|d|'],
    ['postgresql+asyncpg://u:p@h/d', 'u|p|h|d|'],
    ['postgresql+psycopg2://u:p@h', 'u|p|h||'],
    ['postgresql://', '||||'],
    // Sockets.
    ['postgresql:///d?host=/run/pg&port=5433&user=u&password=p', 'u|p|/run/pg 5433|d|'],
    ['postgresql://u:p@%2Frun%2Fpg:5433/d', 'u|p|/run/pg 5433|d|'],
    [
      'postgresql+asyncpg://u:p@/d?host=/cloudsql/my-project:europe-west1:db',
      'u|p|/cloudsql/my-project:europe-west1:db|d|',
    ],
    ['postgresql+asyncpg://u:p@/d?host=/cloudsql/a:b:c/.s.PGSQL.5433', 'u|p|/cloudsql/a:b:c 5433|d|'],
    ['postgresql+pg8000://u:p@/d?unix_sock=/cloudsql/a:b:c/.s.PGSQL.5432', 'u|p|/cloudsql/a:b:c 5432|d|'],
    // Several hosts.
    [
      'postgresql://u@h1:1,h2:2/d?target_session_attrs=read-write',
      'u||h1 1, h2 2|d|target_session_attrs=read-write',
    ],
    ['postgresql+psycopg://u@/d?host=h1:1&host=h2:2', 'u||h1 1, h2 2|d|'],
    ['postgresql://u@/d?host=h1,h2&port=1,2', 'u||h1 1, h2 2|d|'],
    ['postgresql://u@/d?host=h1,h2&port=7', 'u||h1 7, h2 7|d|'],
    // IPv6.
    ['postgresql://u@[::1]:5433/d', 'u||::1 5433|d|'],
    ['postgresql://u@[::1],[fe80::2%25eth0]:7/d', 'u||::1, fe80::2%eth0 7|d|'],
    ['postgresql:///d?host=::1', '||::1|d|'],
    // The query wins.
    ['postgresql://?host=h&dbname=d', '||h|d|'],
    [
      'postgresql://a:b@h:1/d?host=i&port=2&user=u&password=p&dbname=e&application_name=x',
      'u|p|i 2|e|application_name=x',
    ],
    // Passwords.
    ['postgresql://u:p%40ss%2Fword@h/d', 'u|p@ss/word|h|d|'],
    ['postgresql://u:12/secret@h:5432/d', 'u|12/secret|h 5432|d|'],
    ['postgresql://u:/secret@h/d', 'u|/secret|h|d|'],
    ['postgresql://u:a#b:c@h/d', 'u|a#b:c|h|d|'],
    ['postgresql://u:100%@h/d', 'u|100%|h|d|'],
    ['postgresql://h:5432/d?user=a@b', 'a@b||h 5432|d|'],
  ])('%s is understood', (given, understood) => {
    expect(read(given)).toBe(understood);
  });

  test.each([
    ['mysql://secret-user:secret-password@h/d', 'it is neither a PostgreSQL nor a SQLite URL'],
    ['secret-host', 'it is neither a PostgreSQL nor a SQLite URL'],
    ['', 'it is empty'],
    ['postgresql:secret', 'it has no // after its scheme'],
    ['postgresql://secret:secret@secret@h/d', 'it has more than one @'],
    ['postgresql://u:secret?word@h/d', 'its port is no number from 1 to 65535'],
    ['postgresql://u:p@h:99999/d', 'its port is no number from 1 to 65535'],
    ['postgresql://u:p@h1:1,h2:x/d', 'its port is no number from 1 to 65535'],
    ['postgresql://u:p@/d?host=h1,h2,h3&port=1,2', 'it has another number of ports than of hosts'],
    ['postgresql://u:p@::1:5432/d', 'it has a host with several colons'],
    ['postgresql://u:secret%ff@h/d', 'it has percent codes that are no UTF-8'],
    ['postgresql://u:secret@h/d?hostaddr=10.0.0.1', 'its parameter hostaddr is not read'],
    ['postgresql://u:secret@h/d?schema=app', 'its parameter schema is not read'],
    ['postgresql://u:secret@h/d?target_session_attrs=standby', 'asks for a server that does not write'],
    ['postgresql://u:secret@h/d?sslmode=secret', 'its sslmode is none'],
    ['postgresql://u:secret@h/d?sslmode=verify-ca', 'needs sslrootcert'],
    [
      'postgresql://u:secret@h/d?sslmode=require&sslcert=/no/secret',
      'the file of its sslcert cannot be read (ENOENT)',
    ],
  ])('%s is refused, and nothing of it is repeated', (given, why) => {
    const refused = (): unknown => findServers(given, {});
    expect(refused).toThrow(why);
    expect(refused).not.toThrow('secret');
  });

  test.each([
    ['ssl=require', 'sslmode=require&uselibpqcompat=true'],
    ['ssl=true', 'sslmode=require&uselibpqcompat=true'],
    ['ssl=false', 'sslmode=disable'],
    ['ssl=prefer', 'sslmode=disable'],
    ['sslmode=verify-full&ssl=true', 'sslmode=verify-full&uselibpqcompat=true'],
    ['sslmode=verify-full&sslrootcert=system', 'sslmode=verify-full&uselibpqcompat=true'],
  ])('means by %s what libpq and asyncpg mean', (given, understood) => {
    const { urls } = findServers(`postgresql+asyncpg://u@h/d?${given}`, {});
    expect(urls).toEqual([`postgresql:///d?${understood}&user=u&host=h&port=5432`]);
  });

  test('takes what it leaves open from the environment, and no TLS over a Unix socket', () => {
    const environment = { PGHOST: '/run/pg', PGPORT: '7', PGSSLMODE: 'require', PGDATABASE: 'e' };
    expect(findServers('postgresql://u@/d', environment).urls).toEqual([
      'postgresql:///d?sslmode=disable&user=u&host=%2Frun%2Fpg&port=7',
    ]);
    expect(displayUrl('postgresql://u@', environment)).toBe('e at /run/pg/.s.PGSQL.7');
    expect(displayUrl('postgresql://u@h:8', environment)).toBe('e at h:8');
  });

  test('is told by the host that is used, without user and password', () => {
    expect(displayUrl('postgresql+asyncpg://u:p@h:5433/d?x=y', {})).toBe('d at h:5433');
    expect(displayUrl('postgresql://u:p@h', {})).toBe('default database at h:5432');
    expect(displayUrl('postgresql://u:p@h:1/d?host=127.0.0.1&port=2', {})).toBe('d at 127.0.0.1:2');
    expect(displayUrl('postgresql://u:p@[::1]:1,h2/d', {})).toBe('d at [::1]:1, h2:5432');
    expect(displayUrl('postgresql://app:12/secret@h/d', {})).toBe('d at h:5432');
  });
});
