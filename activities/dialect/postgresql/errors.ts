import { types } from 'node:util';

import type { DatabaseError, ErrorKind, Verdict } from '../database-error.ts';
import { readConnectionFailure } from './connection-errors.ts';

const STATES: Readonly<Record<string, readonly [Verdict, string]>> = {
  '40001': ['shrink', 'the transaction could not be serialized with others'],
  '40P01': ['shrink', 'a deadlock with another session'],
  '55P03': ['shrink', 'another session holds a lock'],
  '57014': ['shrink', 'a statement took too long or was cancelled; a foreign key without an index does that'],
  '25P03': ['retry', 'the transaction was idle for too long'],
  '25P04': ['shrink', 'the transaction took too long'],
  '57P01': ['retry', 'the connection was ended by an administrator'],
  '57P02': ['retry', 'the database server crashed and restarts'],
  '57P03': ['retry', 'the database server is starting or shutting down'],
  '57P05': ['retry', 'the connection was idle for too long'],
  '25006': ['wait', 'the database is read-only: it is a standby, or default_transaction_read_only is on'],
  '53100': ['wait', "the database server's disk is full"],
  '53200': ['wait', 'the database server is out of memory'],
  '53300': ['wait', 'the database server has too many connections'],
  '53400': ['doubt', 'the database server reached a configured limit, such as temp_file_limit'],
  '58030': ['wait', 'the database server has an I/O error'],
  '55000': [
    'stop',
    'the database forbids it for now: a published table without a replica identity, for one, allows no delete',
  ],
  '55006': ['shrink', 'something that is needed is in use'],
  '42501': ['stop', 'a privilege is missing'],
  '42P01': ['stop', 'a table is missing'],
  '42703': ['stop', 'a column is missing'],
  '23503': ['stop', 'a foreign key forbids the deletion: other rows still point at these'],
  '23001': ['stop', 'a foreign key forbids the deletion: other rows still point at these'],
  '23502': ['stop', 'a column that the deletion would set to null may not be null'],
  '23514': ['stop', 'a check constraint forbids what the deletion would do to another row'],
  '28P01': ['stop', 'the password is wrong'],
  '28000': ['stop', 'the role may not connect'],
  '3D000': ['stop', 'there is no such database'],
};

const CLASSES: Readonly<Record<string, readonly [Verdict, string]>> = {
  '08': ['retry', 'the connection to the database failed'],
  '40': ['shrink', 'the transaction was rolled back by the database'],
  '53': ['wait', 'the database server is out of a resource'],
  '57': ['retry', 'an operator intervened on the database server'],
  '58': ['wait', 'the database server has a system error'],
  '0A': ['stop', 'the database does not support something that was asked'],
  '22': ['stop', 'a value cannot be used as asked'],
  '23': ['stop', 'a constraint forbids it'],
  '28': ['stop', 'the database refuses the login'],
  '3D': ['stop', 'there is no such database'],
  '3F': ['stop', 'there is no such schema'],
  '42': ['stop', 'a statement does not fit this database'],
  '54': ['stop', 'a limit of the database was reached, as by a trigger that calls itself for ever'],
  P0: ['stop', 'a trigger or function of the database raised an error'],
  XX: ['stop', 'the database reports an internal error or damaged data'],
};

const KINDS: Readonly<Record<string, ErrorKind>> = {
  '57014': 'timeout',
  '25P04': 'timeout',
  '55P03': 'lock',
  '40P01': 'deadlock',
  '53100': 'disk full',
  '42501': 'not permitted',
  '25006': 'not permitted',
};

/** Classes of errors that one row can cause: a constraint, or a trigger that raises one. */
const ROW_CLASSES: ReadonlySet<string> = new Set(['23', 'P0', '22', '27', '09']);

/** The class of limits of the server, as of the depth of the stack: a trigger that calls itself for ever reaches one. */
const LIMITS = '54';

/** Classes of errors whose text never quotes a value: of connections, states, privileges, names, resources. */
const CLASSES_WITHOUT_VALUES: ReadonlySet<string> = new Set(['08', '25', '28', '3D', '42', '53', '55', '57']);

/** What an error of the driver means; undefined if it does not come from the database. */
export function readPostgresError(error: unknown): DatabaseError | undefined {
  // Errors of Node may come from another realm, where `instanceof` does not know them.
  for (let at = error, depth = 0; types.isNativeError(at) && depth < 5; at = at.cause, depth += 1) {
    const code = 'code' in at && typeof at.code === 'string' ? at.code : '';
    if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E')) return fromState(code, at);
    const failure = readConnectionFailure(at);
    if (failure !== undefined) return { ...failure, kind: 'other', names: '', text: undefined };
    if ('errors' in at && Array.isArray(at.errors)) {
      const known = at.errors.map(readPostgresError).find((inner) => inner !== undefined);
      if (known !== undefined) return known;
    }
  }
  return undefined;
}

function fromState(sqlstate: string, error?: Error): DatabaseError {
  const ofClass = sqlstate.slice(0, 2);
  const [verdict, meaning] = STATES[sqlstate] ??
    CLASSES[ofClass] ?? ['doubt', 'the database reported an error'];
  const isOfRow = ROW_CLASSES.has(ofClass) || (ofClass === LIMITS && comesFromFunction(error));
  const kind = KINDS[sqlstate] ?? (isOfRow ? 'row forbidden' : 'other');
  const isPlain = CLASSES_WITHOUT_VALUES.has(ofClass) && error !== undefined && !comesFromFunction(error);
  const text = isPlain ? error.message : undefined;
  return { code: sqlstate, kind, meaning, verdict, names: listNames(error), text };
}

/** A function may raise an error of any class, with the content of a row in its text. */
function comesFromFunction(error: Error | undefined): boolean {
  if (error === undefined) return false;
  return 'where' in error && typeof error.where === 'string' && /\bfunction\b/.test(error.where);
}

/** What the server names of the objects that an error is about, in fields of their own: they are no row content. */
function listNames(error: Error | undefined): string {
  if (error === undefined) return '';
  const field = (name: string): string | undefined => {
    const value = (error as unknown as Record<string, unknown>)[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const schema = field('schema');
  const table = field('table');
  const raised = /PL\/\w+ function ([\w."]+)\(/.exec(field('where') ?? '')?.[1];
  return [
    ['constraint', field('constraint')],
    ['column', field('column')],
    ['table', table === undefined || schema === undefined ? table : `${schema}.${table}`],
    ['function', raised],
  ]
    .flatMap(([what, name]) => (name === undefined ? [] : [`${what} ${name}`]))
    .join(', ');
}
