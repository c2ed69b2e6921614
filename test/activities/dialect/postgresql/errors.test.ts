import { describe, expect, test } from '@jest/globals';

import { readDatabaseError } from '../../../../activities/dialect/read-error.ts';

const withCode = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });

describe('what an error of the database means', () => {
  test.each([
    ['40001', 'shrink'],
    ['40P01', 'shrink'],
    ['55P03', 'shrink'],
    ['57014', 'shrink'],
    ['57P01', 'retry'],
    ['57P03', 'retry'],
    ['08006', 'retry'],
    ['53100', 'wait'],
    ['53300', 'wait'],
    ['58030', 'wait'],
    ['25006', 'wait'],
    ['42501', 'stop'],
    ['42P01', 'stop'],
    ['23503', 'stop'],
    ['22P02', 'stop'],
    ['XX001', 'stop'],
    ['27000', 'doubt'],
    ['ZZ123', 'doubt'],
  ])('%s is to %s', (code, verdict) => {
    expect(readDatabaseError(withCode(code))).toMatchObject({ code, verdict });
  });

  test.each([
    withCode('ECONNREFUSED'),
    withCode('ECONNRESET'),
    new Error('Connection terminated unexpectedly'),
    new Error('Client has encountered a connection error and is not queryable'),
    new AggregateError([withCode('ECONNREFUSED')]),
    new Error('wrapped', { cause: withCode('EPIPE') }),
  ])('a lost connection is to retry: %s', (error) => {
    expect(readDatabaseError(error)).toMatchObject({ code: '08006', verdict: 'retry' });
  });

  test('what does not come from the database is not judged', () => {
    expect(readDatabaseError(new TypeError('undefined is not a function'))).toBeUndefined();
    expect(readDatabaseError('text')).toBeUndefined();
  });

  test('never repeats what a function raised, whatever the class of its error', () => {
    const plain = withCode('42501', 'permission denied for table t');
    const raised = Object.assign(withCode('42501', 'order 4711 of secret'), {
      where: 'PL/pgSQL function refuse() line 1 at RAISE',
    });
    expect(readDatabaseError(plain)).toMatchObject({ text: 'permission denied for table t' });
    expect(readDatabaseError(raised)).toMatchObject({ text: undefined, names: 'function refuse' });
  });

  test('never repeats what the driver said', () => {
    const error = Object.assign(withCode('23503', 'Key (id)=(4711) is still referenced'), {
      detail: 'secret',
    });
    expect(JSON.stringify(readDatabaseError(error))).not.toMatch(/4711|secret/);
  });
});
