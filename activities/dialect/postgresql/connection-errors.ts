import type { Verdict } from '../database-error.ts';

/** Why there is no connection. */
interface ConnectionFailure {
  readonly code: string;
  readonly verdict: Verdict;
  readonly meaning: string;
}

/** Errors of the socket by their code. */
const SOCKET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at this host and port (ECONNREFUSED)',
  ECONNRESET: 'the connection to the database was cut (ECONNRESET)',
  EPIPE: 'the connection to the database was cut (EPIPE)',
  ETIMEDOUT: 'the host does not respond (ETIMEDOUT)',
  ENOTFOUND: 'the name of the host is not known (ENOTFOUND)',
  EAI_AGAIN: 'the name of the host cannot be looked up now (EAI_AGAIN)',
  EHOSTUNREACH: 'no network leads to the host (EHOSTUNREACH)',
  ENETUNREACH: 'no network leads to the host (ENETUNREACH)',
};

/** Errors of opening a Unix socket. The same codes mean other things for files. */
const UNIX_SOCKET: Readonly<Record<string, string>> = {
  ENOENT: 'the folder has no socket of a server with this port (ENOENT)',
  EACCES: 'this user may not open the socket of the server (EACCES)',
  ENOTSOCK: 'the path is no socket (ENOTSOCK)',
};

const LOST =
  /Connection terminated|Connection ended|not queryable|Client has encountered a connection error/i;

const CERTIFICATE =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/** Reads why a connection failed, from an error of the socket or of the driver, which have no SQLSTATE. */
export function readConnectionFailure(error: Error): ConnectionFailure | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isConnect = 'syscall' in error && error.syscall === 'connect';
  const ofSocket = SOCKET[code] ?? (isConnect ? UNIX_SOCKET[code] : undefined);
  if (ofSocket !== undefined) return lost(ofSocket);
  if (/connection timeout|timeout exceeded when trying to connect/i.test(error.message)) {
    return lost('the database did not take the connection in time');
  }
  if (LOST.test(error.message)) return lost('the connection to the database failed');
  if (/client password must be/.test(error.message)) {
    return refused('28P01', 'the database wants a password, and neither the URL nor PGPASSWORD has one');
  }
  if (/does not support SSL/i.test(error.message)) {
    return refused('08001', 'the database has no TLS, and sslmode asks for it');
  }
  if (CERTIFICATE.test(code)) {
    return refused('08001', `the certificate of the database cannot be verified (${code})`);
  }
  return undefined;
}

function lost(meaning: string): ConnectionFailure {
  return { code: '08006', verdict: 'retry', meaning };
}

function refused(code: string, meaning: string): ConnectionFailure {
  return { code, verdict: 'stop', meaning };
}
