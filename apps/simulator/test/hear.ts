import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { CameraRegistration, ServiceDocument } from '#catalog';
import type { RunningSimulator } from '../src/start.js';

/** What came back over a connection of its own. */
export interface Heard {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
  /** Whether the other side ended it, with a reset or not, before we did. */
  readonly ended: 'end' | 'reset' | 'refused' | 'no';
}

/** Sends one request and listens until the other side ends, `until` is content, or the time is up. */
export function hear(
  url: string,
  {
    headers = [],
    until = () => false,
    ms = 4_000,
    method = 'GET',
  }: {
    headers?: readonly string[];
    until?: (heard: Heard) => boolean;
    ms?: number;
    method?: string;
  } = {},
): Promise<Heard> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    const done = (ended: Heard['ended']): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(parsed(Buffer.concat(chunks), ended));
    };
    const timer = setTimeout(() => done('no'), ms);
    socket.on('connect', () =>
      socket.write(
        [`${method} ${pathname}${search} HTTP/1.1`, `Host: ${hostname}:${port}`, ...headers, '', ''].join('\r\n'),
      ),
    );
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const heard = parsed(Buffer.concat(chunks), 'no');
      const length = Number(heard.headers.get('content-length')?.[0] ?? NaN);
      if (until(heard) || (heard.status !== 0 && heard.body.length === length)) done('no');
    });
    socket.on('end', () => done('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'));
  });
}

function parsed(bytes: Buffer, ended: Heard['ended']): Heard {
  const head = /^.*?\r?\n\r?\n/s.exec(bytes.toString('latin1', 0, 4_096))?.[0] ?? '';
  const [first = '', ...lines] = head.split(/\r?\n/);
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s);
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(first)?.[1] ?? 0);
  return { status, headers, body: bytes.subarray(status === 0 ? 0 : head.length), ended };
}

/** Whole JPEGs of a multipart body in whatever dialect: from start to end marker, which scan data never holds. */
export function framesOf(body: Buffer): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let from = body.indexOf('ffd8ff', 0, 'hex'); from >= 0; from = body.indexOf('ffd8ff', from + 2, 'hex')) {
    const to = body.indexOf('ffd9', from, 'hex');
    if (to > 0) frames.push(body.subarray(from, to + 2));
  }
  return frames;
}

/** Address of a service with its VAPIX arguments, as the prober asks. */
export const urlOf = ({ url, vapix = {} }: ServiceDocument, more: Record<string, string> = {}): string => {
  const query = Object.entries({ ...vapix, ...more }).map(([name, value]) => `${name}=${String(value)}`);
  return `${url}?${query.join('&')}`;
};

/** RFC 7616 as a client does it. */
export function digestOf(challenge: string, { username = '', password = '' }, method: string, uri: string): string {
  const member = (name: string): string => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1] ?? '';
  const hash = (text: string): string =>
    createHash(member('algorithm') === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const [realm, nonce, cnonce, nc] = [member('realm'), member('nonce'), randomBytes(6).toString('hex'), '00000001'];
  const own = hash(`${username}:${realm}:${password}`);
  const response = hash(`${own}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
  return `Authorization: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${member('algorithm')}, qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}"`;
}

/** Headers that let a request in, after asking without them. */
export async function signedIn(
  { credentials }: ServiceDocument,
  url: string,
  algorithm = '',
): Promise<readonly string[]> {
  if (!credentials) return [];
  const { username = '', password = '' } = credentials;
  const refused = await hear(url);
  const challenges = refused.headers.get('www-authenticate') ?? [];
  if (refused.status !== 401) throw new Error(`expected 401 of ${url}, got ${refused.status}`);
  const digest = challenges.find((one) => one.startsWith('Digest') && one.includes(`algorithm=${algorithm}`));
  if (digest === undefined)
    return [`Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`];
  const { pathname, search } = new URL(url);
  return [digestOf(digest, { username, password }, 'GET', pathname + search)];
}

export function cameraOf(street: RunningSimulator, authority: string, localId: string): CameraRegistration {
  const found = street.cameras.find((one) => one.authority === authority && one.localId === localId);
  if (found === undefined) throw new Error(`no ${authority}/${localId}`);
  return found;
}

export function serviceOf(street: RunningSimulator, authority: string, localId: string, i = 0): ServiceDocument {
  const service = cameraOf(street, authority, localId).services[i];
  if (service === undefined) throw new Error(`no service ${i} of ${authority}/${localId}`);
  return service;
}

/** Address of a single picture of a camera, whichever service is given. */
export const snapshotOf = (service: ServiceDocument, more = {}): string =>
  urlOf({ ...service, url: service.url.replace('mjpg/video.cgi', 'jpg/image.cgi') }, { fps: '0', ...more });

/** Address of the stream of a camera, whichever service is given. */
export const streamOf = (service: ServiceDocument, more = {}): string =>
  urlOf({ ...service, url: service.url.replace('jpg/image.cgi', 'mjpg/video.cgi') }, { fps: '0', ...more });

/** A control call. */
export const call = (
  street: RunningSimulator,
  body: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Response> =>
  fetch(`${street.url}control`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
