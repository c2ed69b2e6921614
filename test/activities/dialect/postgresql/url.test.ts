import { describe, expect, test } from '@jest/globals';

import { displayUrl, toPgUrl } from '../../../../activities/dialect/postgresql/url.ts';

describe('a database URL', () => {
  test.each([
    ['postgresql://u:p@h:5433/d', 'postgresql://u:p@h:5433/d'],
    ['postgres://u@h/d', 'postgresql://u@h/d'],
    ['postgresql+asyncpg://u:p@h/d', 'postgresql://u:p@h/d'],
    ['postgresql+psycopg2://u:p@h/d', 'postgresql://u:p@h/d'],
    ['postgresql+asyncpg://u@h/d?ssl=require', 'postgresql://u@h/d?sslmode=require&uselibpqcompat=true'],
    ['postgresql+asyncpg://u@h/d?ssl=true', 'postgresql://u@h/d?sslmode=require&uselibpqcompat=true'],
    ['postgresql+asyncpg://u@h/d?ssl=false', 'postgresql://u@h/d?sslmode=disable'],
    ['postgresql+asyncpg://u@h/d?ssl=prefer', 'postgresql://u@h/d?sslmode=disable'],
    [
      'postgresql://u@h/d?sslmode=verify-full&ssl=true',
      'postgresql://u@h/d?sslmode=verify-full&uselibpqcompat=true',
    ],
    ['postgresql://u:p%40ss%2Fword@h/d', 'postgresql://u:p%40ss%2Fword@h/d'],
  ])('%s is understood', (given, understood) => {
    expect(toPgUrl(given)).toBe(understood);
  });

  test.each([
    ['mysql://secret-user:secret-password@h/d', 'it is neither a PostgreSQL nor a SQLite URL'],
    ['secret-host', 'it is neither a PostgreSQL nor a SQLite URL'],
    ['', 'it is empty'],
    ['postgresql://secret-user:secret#word@h/d', 'it is no URL'],
  ])('%s is refused, and nothing of it is repeated', (given, why) => {
    const refused = (): string => toPgUrl(given);
    expect(refused).toThrow(why);
    expect(refused).not.toThrow('secret');
  });

  test('is told without user and password', () => {
    expect(displayUrl('postgresql+asyncpg://u:p@h:5433/d?x=y')).toBe('d at h:5433');
    expect(displayUrl('postgresql://u:p@h')).toBe('default database at h:5432');
  });
});
