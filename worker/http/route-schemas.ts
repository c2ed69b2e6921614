import { z } from 'zod';

import { Problem } from './answers.ts';

/** What a route is asked and answers. */
export interface RouteOptions {
  readonly summary: string;
  readonly answer: z.ZodType;
  readonly query?: z.ZodType;
  readonly params?: z.ZodType;
  /** Answers without a token. */
  readonly open?: boolean;
  /** What it answers with 503, where that is no sentence alone. */
  readonly away?: z.ZodType;
}

const SAID: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood',
  401: 'The token is missing or another one',
  404: 'There is none',
  503: 'Something that the answer needs is away',
};

/** The schemas of a route: answers are held to them, and the document of OpenAPI is made from them. */
export function schemaOf({ summary, answer, query, params, open = false, away }: RouteOptions): object {
  const codes = [
    ...(query === undefined && params === undefined ? [] : [400]),
    ...(open ? [] : [401]),
    ...(params === undefined ? [] : [404]),
    ...(away === undefined && !open ? [503] : []),
  ];
  return {
    summary,
    ...(query === undefined ? {} : { querystring: jsonSchemaOf(query) }),
    ...(params === undefined ? {} : { params: jsonSchemaOf(params) }),
    response: {
      200: { description: 'As asked', ...jsonSchemaOf(answer) },
      ...(away === undefined ? {} : { 503: { description: 'Not now', ...jsonSchemaOf(away) } }),
      ...problems(codes),
    },
    ...(open ? { security: [] } : {}),
  };
}

function problems(codes: readonly number[]): Record<number, object> {
  return Object.fromEntries(
    codes.map((code) => [code, { description: SAID[code], ...jsonSchemaOf(Problem) }]),
  );
}

function jsonSchemaOf(type: z.ZodType): object {
  const { $schema: _draft, ...schema } = z.toJSONSchema(type, { target: 'draft-7', io: 'input' });
  return schema;
}

/** The schemas of metrics, which are text. */
export const METRICS = {
  summary: 'Metrics for Prometheus',
  response: {
    200: { description: 'Metrics as text', content: { 'text/plain': { schema: { type: 'string' } } } },
    ...problems([401, 503]),
  },
};
