export { resolveHttpAddress, TOKEN_VARIABLE } from './address.ts';
export type { HttpAddress } from './address.ts';
export { serveHttp } from './server.ts';
export type { HttpOptions, HttpServer } from './server.ts';
