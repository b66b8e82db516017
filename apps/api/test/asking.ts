import type { Sightline } from '#testing';

/** What came of a request, as bytes tell it. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the answer is no JSON. */
  readonly body: Record<string, unknown> & { readonly items?: readonly Record<string, unknown>[] };
}

export interface Asked {
  /** API key; without one the caller is anonymous. */
  readonly key?: string | undefined;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request as any program would, for what a typed client does not let one say. */
export async function ask(
  { url }: Pick<Sightline, 'url'>,
  method: string,
  path: string,
  { key, body, headers = {} }: Asked = {},
): Promise<Answered> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = Buffer.from(await response.arrayBuffer()).toString('latin1');
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
  const decoded = isJson ? (JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as Answered['body']) : {};
  return { status: response.status, headers: response.headers, text, body: decoded };
}

/** Makes a key. */
export async function keyFor(
  sightline: Sightline,
  authorities: 'all' | readonly string[],
  scopes: readonly string[],
): Promise<string> {
  const body = { name: 'for a test', scopes, authorities };
  const minted = await ask(sightline, 'POST', '/v1/keys', { key: sightline.key, body });
  if (minted.status !== 201) throw new Error(`${minted.status}: ${minted.text}`);
  return String(minted.body.key);
}

/** What each role of an authority may do, as scopes of a key. */
export const VIEWER = ['cameras:read', 'frames:read'] as const;
export const ADMIN = [
  ...VIEWER,
  'cameras:write',
  'credentials:write',
  'probes:run',
  'imports:run',
  'webhooks:write',
  'keys:write',
] as const;
