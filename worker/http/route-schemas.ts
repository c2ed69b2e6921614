import { z } from 'zod';

import { Problem } from './response-schemas.ts';

/** The request and the responses of a route. */
export interface RouteOptions {
  readonly summary: string;
  readonly response: z.ZodType;
  readonly query?: z.ZodType;
  readonly params?: z.ZodType;
  readonly body?: z.ZodType;
  /** Whether the route needs no token. */
  readonly open?: boolean;
  /** The response with status 503, if it is more than a sentence. */
  readonly unavailable?: z.ZodType;
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request is invalid',
  401: 'The token is missing or wrong',
  403: 'The server has no token, and only reads',
  404: 'Not found',
  409: 'No run is open that could take the signal',
  503: 'A database or Temporal does not respond',
};

/** Builds the schemas of a route, which restrict its responses and make up the OpenAPI document. */
export function buildSchema({
  summary,
  response,
  query,
  params,
  body,
  open = false,
  unavailable,
}: RouteOptions): object {
  const codes = [
    ...(query === undefined && params === undefined && body === undefined ? [] : [400]),
    ...(open ? [] : [401]),
    ...(body === undefined ? [] : [403, 409]),
    ...(params === undefined ? [] : [404]),
    ...(unavailable === undefined && !open ? [503] : []),
  ];
  return {
    summary,
    ...(query === undefined ? {} : { querystring: toJsonSchema(query) }),
    ...(params === undefined ? {} : { params: toJsonSchema(params) }),
    ...(body === undefined ? {} : { body: toJsonSchema(body) }),
    response: {
      200: { description: 'Success', ...toJsonSchema(response) },
      ...(unavailable === undefined
        ? {}
        : { 503: { description: 'Not ready', ...toJsonSchema(unavailable) } }),
      ...buildProblems(codes),
    },
    ...(open ? { security: [] } : {}),
  };
}

function buildProblems(codes: readonly number[]): Record<number, object> {
  return Object.fromEntries(
    codes.map((code) => [code, { description: DESCRIPTIONS[code], ...toJsonSchema(Problem) }]),
  );
}

function toJsonSchema(type: z.ZodType): object {
  const { $schema: _draft, ...schema } = z.toJSONSchema(type, { target: 'draft-7', io: 'input' });
  return schema;
}

/** The schemas of the metrics, which are text. */
export const METRICS = {
  summary: 'Metrics for Prometheus',
  response: {
    200: { description: 'Metrics as text', content: { 'text/plain': { schema: { type: 'string' } } } },
    ...buildProblems([401, 503]),
  },
};
