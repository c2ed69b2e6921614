import { expect } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';

interface Described {
  readonly paths: Readonly<Record<string, Partial<Record<'get' | 'post', DescribedOperation>>>>;
}

interface DescribedOperation {
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}

interface DescribedAnswer {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

/** What an endpoint returned. */
export interface ApiResponse<T> {
  readonly status: number;
  readonly body: T;
}

/** An API that is held to its own OpenAPI document: each response must be declared, with nothing beyond it. */
export class DescribedApi {
  readonly #url: string;
  readonly document: Described;
  /** All that was ever returned, as text. */
  readonly said: string[];
  readonly #ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) },
  });

  private constructor(url: string, document: string) {
    this.#url = url;
    this.document = JSON.parse(document) as Described;
    this.said = [document];
  }

  static async at(url: string, headers: Readonly<Record<string, string>> = {}): Promise<DescribedApi> {
    const answer = await fetch(`${url}/openapi.json`, { headers });
    return new DescribedApi(url, await answer.text());
  }

  /** Asks, and holds the response to the document. */
  async ask<T>(path: string, sent: RequestInit = {}): Promise<ApiResponse<T>> {
    const answer = await fetch(`${this.#url}${path}`, sent);
    const text = await answer.text();
    this.said.push(text, JSON.stringify([...answer.headers]));
    const [bare = ''] = path.split('?');
    const template = Object.keys(this.document.paths).find((known) => matches(known, bare)) ?? '';
    const method = sent.method === 'POST' ? 'post' : 'get';
    const content = this.document.paths[template]?.[method]?.responses[String(answer.status)]?.content ?? {};
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const schema = content[type]?.schema;
    if (schema === undefined) throw new Error(`${path}: ${answer.status} ${type} is not declared:\n${text}`);
    const body = (type === 'application/json' ? JSON.parse(text) : text) as T;
    const validate = this.#ajv.compile(closed(schema));
    validate(body);
    expect({ path, errors: validate.errors }).toEqual({ path, errors: null });
    return { status: answer.status, body };
  }

  /** The response to a request that succeeds. */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.ask<T>(path);
    expect({ path, status }).toEqual({ path, status: 200 });
    return body;
  }
}

function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

/** The schema with objects that may have nothing but what is declared. */
function closed(schema: unknown): object {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema as object;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}
