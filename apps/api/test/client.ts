import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './api-types.js';

/** The client that anybody makes of our `openapi.json`: the e2e tests speak through nothing else. */
export type ApiClient = Client<paths, 'application/json' | 'application/problem+json'>;
export type Schemas = components['schemas'];

/** @param key API key; without one the caller is anonymous */
export const clientOf = (url: string, key?: string): ApiClient =>
  createClient<paths, 'application/json' | 'application/problem+json'>({
    baseUrl: url,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  });

/** The body of an answer that has to be there. */
export function dataOf<T>(answer: { readonly data?: T; readonly error?: unknown; readonly response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  throw new Error(`status ${answer.response.status}: ${JSON.stringify(answer.error)}`);
}
