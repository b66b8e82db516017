import { createHash } from 'node:crypto';
import type { Credentials } from '#catalog';

/**
 * One challenge of a WWW-Authenticate header. Its texts are bytes, one character each (Latin-1): a realm in any charset is hashed and
 * echoed as it came.
 */
export interface Challenge {
  readonly scheme: 'digest' | 'basic';
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string;
  /** As sent; absent = MD5. */
  readonly algorithm?: string;
  /** What the device offers, lower case; empty: the form of RFC 2069. */
  readonly qop: readonly string[];
  readonly stale: boolean;
}

/** What is about to be sent, and with which secret. */
export interface AuthenticatedRequest {
  readonly method: string;
  /** Path and query exactly as sent, ASCII. */
  readonly uri: string;
  readonly credentials: Credentials;
  /** A new client nonce: visible ASCII, unguessable. */
  readonly cnonce: () => string;
  readonly nonces: NonceCache;
  /** `scheme://host:port`, to which the credentials belong. */
  readonly origin: string;
}

/** Longest realm and nonce that are answered (security.md CRED-5), characters. */
const MAX_VALUE = 256;
/** Longest `opaque` that is kept and echoed, characters. */
const MAX_OPAQUE = 4_096;

interface Algorithm {
  readonly hash: 'sha256' | 'md5';
  readonly isSession: boolean;
  readonly rank: number;
}

/** A map, since the name comes from a device and `constructor` is one too. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['sha-256', { hash: 'sha256', isSession: false, rank: 0 }],
  ['sha-256-sess', { hash: 'sha256', isSession: true, rank: 1 }],
  ['md5', { hash: 'md5', isSession: false, rank: 2 }],
  ['md5-sess', { hash: 'md5', isSession: true, rank: 3 }],
]);

const algorithmOf = ({ algorithm = 'MD5' }: Pick<Challenge, 'algorithm'>): Algorithm | undefined =>
  ALGORITHMS.get(algorithm.toLowerCase());

/** A name, and a token or quoted text; a quote that never ends holds the rest. */
const PARAMETER = /^\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)(?:"|$)|([^\s,"]*))\s*/s;
/** What ends a parameter; some devices write semicolons. */
const SEPARATOR = /^\s*[,;]/;
const SCHEME = /^\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\s+(?!=)|\s*(?=,|$))/;

/**
 * Every challenge of every WWW-Authenticate line: several may stand in one line, schemes in any case, values quoted or not, with
 * commas and equals signs inside the quotes.
 */
export function readChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => readLine(header));
}

function readLine(line: string): Challenge[] {
  const challenges: Challenge[] = [];
  let scheme: string | null = null;
  let parameters = new Map<string, string>();
  const finish = (): void => {
    const challenge = scheme === null ? null : challengeOf(scheme, parameters);
    if (challenge !== null) challenges.push(challenge);
    parameters = new Map();
  };
  for (let rest = line; rest.trim() !== '';) {
    const parameter = PARAMETER.exec(rest);
    if (parameter !== null && scheme !== null) {
      const [whole, name = '', quoted, bare = ''] = parameter;
      const value = quoted === undefined ? bare : unquoted(quoted);
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
      rest = rest.slice(whole.length).replace(SEPARATOR, '');
      continue;
    }
    const found = SCHEME.exec(rest);
    if (found === null) {
      // Something that is neither: skip to the next comma, a camera's line is never a reason to stop.
      const comma = rest.indexOf(',');
      rest = comma < 0 ? '' : rest.slice(comma + 1);
      continue;
    }
    const word = (found[1] ?? '').toLowerCase();
    if (scheme === 'digest' && /^auth(?:-int)?$/.test(word)) {
      // The second value of a list without quotes: qop=auth,auth-int.
      parameters.set('qop', `${parameters.get('qop') ?? ''},${word}`);
    } else {
      finish();
      scheme = word;
    }
    rest = rest.slice(found[0].length).replace(SEPARATOR, '');
  }
  finish();
  return challenges;
}

const unquoted = (text: string): string => text.replace(/\\(.)/gs, '$1');

function challengeOf(scheme: string, parameters: ReadonlyMap<string, string>): Challenge | null {
  if (scheme !== 'digest' && scheme !== 'basic') return null;
  const opaque = parameters.get('opaque');
  const algorithm = parameters.get('algorithm');
  return {
    scheme,
    realm: parameters.get('realm') ?? '',
    nonce: parameters.get('nonce') ?? '',
    ...(opaque === undefined ? {} : { opaque }),
    ...(algorithm === undefined || algorithm === '' ? {} : { algorithm }),
    qop: (parameters.get('qop') ?? '')
      .split(',')
      .map((one) => one.trim().toLowerCase())
      .filter(Boolean),
    stale: parameters.get('stale')?.toLowerCase() === 'true',
  };
}

/**
 * The challenge that is answered: Digest by SHA-256, then by MD5, then Basic where it may be sent. Basic is never sent where any
 * Digest is offered, not even one that cannot be answered: who asks for both and gets Basic has been handed the password.
 */
export function chooseChallenge(
  challenges: readonly Challenge[],
  options: { readonly basicAllowed: boolean },
): Challenge | null {
  const digests = challenges.filter(({ scheme }) => scheme === 'digest');
  if (digests.length === 0) {
    return options.basicAllowed ? (challenges.find(({ realm }) => realm.length <= MAX_VALUE) ?? null) : null;
  }
  const known = digests.flatMap((challenge) => {
    const algorithm = algorithmOf(challenge);
    return algorithm !== undefined && isAnswerable(challenge) ? [{ challenge, rank: algorithm.rank }] : [];
  });
  return known.sort((a, b) => a.rank - b.rank)[0]?.challenge ?? null;
}

const isAnswerable = ({ realm, nonce, qop, opaque = '' }: Challenge): boolean =>
  nonce !== '' &&
  nonce.length <= MAX_VALUE &&
  realm.length <= MAX_VALUE &&
  opaque.length <= MAX_OPAQUE &&
  (qop.length === 0 || qop.includes('auth') || qop.includes('auth-int'));

/**
 * The Authorization header that answers a challenge (RFC 7616, RFC 2069 without qop; RFC 7617), user name and password in UTF-8. Like
 * the challenge it is bytes, one character each: it is written as `latin1`.
 */
export function answerChallenge(
  challenge: Challenge,
  request: AuthenticatedRequest,
): { readonly authorization: string; readonly scheme: 'digest' | 'basic' } {
  if (challenge.scheme === 'basic') {
    const { username, password } = request.credentials;
    const token = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
    return { authorization: `Basic ${token}`, scheme: 'basic' };
  }
  request.nonces.keep(request.origin, request.credentials, challenge);
  const authorization = cachedAuthorization(request);
  if (authorization === null) throw new Error('bug: a nonce was not kept');
  return { authorization, scheme: 'digest' };
}

/** Digest with a nonce from an earlier answer, which saves the 401; never Basic. Null where none is known. */
export function cachedAuthorization(request: AuthenticatedRequest): string | null {
  const use = request.nonces.use(request.origin, request.credentials, request.cnonce);
  return use === null ? null : digestOf(use, request);
}

function digestOf({ challenge, count, cnonce }: NonceUse, { method, uri, credentials }: AuthenticatedRequest): string {
  const algorithm = algorithmOf(challenge);
  if (algorithm === undefined) throw new Error('bug: an unknown algorithm was chosen');
  const hash = (text: string): string => createHash(algorithm.hash).update(text, 'latin1').digest('hex');
  const username = bytesOf(credentials.username);
  const { realm, nonce, opaque } = challenge;
  const nc = count.toString(16).padStart(8, '0');
  const secret = hash(`${username}:${realm}:${bytesOf(credentials.password)}`);
  const a1 = algorithm.isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const qop = challenge.qop.includes('auth') ? 'auth' : challenge.qop.includes('auth-int') ? 'auth-int' : null;
  // auth-int hashes the body too, which is empty.
  const a2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash('')}` : `${method}:${uri}`);
  const response = hash(qop === null ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
  return `Digest ${[
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    // Devices compare these three without quotes (RFC 7616, 3.4).
    ...(challenge.algorithm === undefined ? [] : [`algorithm=${challenge.algorithm}`]),
    ...(qop === null ? [] : [`qop=${qop}`, `nc=${nc}`]),
    ...(qop === null && !algorithm.isSession ? [] : [`cnonce=${quoted(cnonce)}`]),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ].join(', ')}`;
}

/** UTF-8, one character a byte. */
const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** A line end in a user name would begin a header of its own. */
const quoted = (text: string): string => `"${text.replace(/[\r\n\0]/g, '').replace(/["\\]/g, '\\$&')}"`;

/** Nonces that are kept at most; the one used longest ago falls out. */
const MAX_NONCES = 20_000;

interface KeptNonce {
  readonly challenge: Challenge;
  readonly count: number;
  /** Of the first answer with this nonce. */
  readonly cnonce: string | null;
}

/** A nonce for one request. */
export interface NonceUse {
  readonly challenge: Challenge;
  /** How often the nonce has been used with this request (`nc`), from 1. */
  readonly count: number;
  readonly cnonce: string;
}

/**
 * Nonces that devices gave, with their rising counts, by origin and credentials. The key is a hash: a password is never the name of
 * anything.
 */
export class NonceCache {
  private readonly kept = new Map<string, KeptNonce>();

  /** The Digest challenge of an earlier answer, or null. */
  find(origin: string, credentials: Credentials): Challenge | null {
    return this.kept.get(keyOf(origin, credentials))?.challenge ?? null;
  }

  /** Keeps a challenge that is being answered; a new nonce counts from 1. */
  keep(origin: string, credentials: Credentials, challenge: Challenge): void {
    const key = keyOf(origin, credentials);
    const known = this.kept.get(key);
    this.put(key, known?.challenge.nonce === challenge.nonce ? { ...known, challenge } : fresh(challenge));
  }

  /**
   * The nonce for the next request; null where none is kept. A session's key holds the first client nonce (RFC 7616, 3.4.2), so that
   * of `-sess` stays the same as long as the nonce.
   */
  use(origin: string, credentials: Credentials, newCnonce: () => string): NonceUse | null {
    const key = keyOf(origin, credentials);
    const known = this.kept.get(key);
    if (known === undefined) return null;
    const { challenge } = known;
    const isSession = algorithmOf(challenge)?.isSession === true;
    const cnonce = isSession && known.cnonce !== null ? known.cnonce : newCnonce();
    const count = known.count + 1;
    this.put(key, { challenge, count, cnonce });
    return { challenge, count, cnonce };
  }

  /** Takes over the `nextnonce` of an Authentication-Info header. */
  accept(origin: string, credentials: Credentials, authenticationInfo: string): void {
    const key = keyOf(origin, credentials);
    const known = this.kept.get(key);
    const next = /(?:^|[\s,])nextnonce\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/i.exec(authenticationInfo);
    const nonce = next?.[1] === undefined ? (next?.[2] ?? '') : unquoted(next[1]);
    if (known === undefined || nonce === '' || nonce.length > MAX_VALUE || nonce === known.challenge.nonce) return;
    this.put(key, fresh({ ...known.challenge, nonce }));
  }

  /** Forgets what a device no longer takes. */
  forget(origin: string, credentials: Credentials): void {
    this.kept.delete(keyOf(origin, credentials));
  }

  private put(key: string, nonce: KeptNonce): void {
    this.kept.delete(key);
    this.kept.set(key, nonce);
    if (this.kept.size > MAX_NONCES) this.kept.delete(this.kept.keys().next().value as string);
  }
}

const fresh = (challenge: Challenge): KeptNonce => ({ challenge, count: 0, cnonce: null });

const keyOf = (origin: string, { username, password }: Credentials): string =>
  createHash('sha256')
    .update(JSON.stringify([origin, username, password]))
    .digest('base64url');
