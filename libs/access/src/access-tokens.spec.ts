import type { webcrypto } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  base64url,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { IssuerUnavailable, TokenExpired, Unauthenticated } from '#catalog';
import { type AcceptedIssuer, AccessTokens } from './access-tokens.js';
import { IssuerKeys } from './issuer-keys.js';

/** AUTHN-3: which tokens are taken. */
const ISSUER = 'https://login.example.org/realms/water';
const LEGACY = 'https://old.example.org';
const AUDIENCE = 'https://cameras.example.org';
const NOW_S = 1_800_000_000;

const accepted = (issuer: string, legacy: boolean): AcceptedIssuer => ({
  issuer,
  jwksUri: `${issuer}/keys`,
  audience: AUDIENCE,
  legacy,
});

let rsa: { publicKey: CryptoKey; privateKey: CryptoKey };
let ec: typeof rsa;
let foreign: typeof rsa;
let tokens: AccessTokens;

beforeAll(async () => {
  rsa = await generateKeyPair('RS256', { extractable: true });
  ec = await generateKeyPair('ES256', { extractable: true });
  foreign = await generateKeyPair('RS256', { extractable: true });
  const set: JSONWebKeySet = {
    keys: [
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa' },
      { ...(await exportJWK(ec.publicKey)), kid: 'ec' },
    ],
  };
  const keysOf = ({ jwksUri }: AcceptedIssuer): IssuerKeys =>
    new IssuerKeys(jwksUri, { now: () => 0, fetchKeys: async () => set });
  const issuers = [accepted(ISSUER, false), accepted(LEGACY, true)];
  tokens = new AccessTokens(issuers, () => NOW_S * 1_000, keysOf);
});

const CLAIMS: JWTPayload = { iss: ISSUER, sub: 'lin', aud: AUDIENCE, iat: NOW_S - 10, exp: NOW_S + 300 };
const HEADER: JWTHeaderParameters = { alg: 'RS256', kid: 'rsa', typ: 'at+jwt' };

const sign = (
  claims: JWTPayload = {},
  header: Partial<JWTHeaderParameters> = {},
  key: CryptoKey | Uint8Array = rsa.privateKey,
) => new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ ...HEADER, ...header }).sign(key);

const text = (value: object): string => base64url.encode(JSON.stringify(value));

describe('AUTHN-3: a token', () => {
  test('of a known issuer for us says who its bearer is', async () => {
    expect(await tokens.verify(await sign())).toEqual({
      issuer: ISSUER,
      subject: 'lin',
      expiresAt: CLAIMS.exp! * 1_000,
    });
    expect(await tokens.verify(await sign({}, { typ: 'application/at+jwt' }))).toMatchObject({ subject: 'lin' });
    expect(await tokens.verify(await sign({}, { alg: 'PS256' }, await asPss()))).toMatchObject({ subject: 'lin' });
    expect(await tokens.verify(await sign({}, { alg: 'ES256', kid: 'ec' }, ec.privateKey))).toMatchObject({
      issuer: ISSUER,
    });
  });

  test('for several is taken where we are one of them', async () => {
    expect(await tokens.verify(await sign({ aud: ['account', AUDIENCE] }))).toMatchObject({ subject: 'lin' });
    await expect(tokens.verify(await sign({ aud: ['account', 'other'] }))).rejects.toThrow(Unauthenticated);
  });

  test('is good for 30 s more, for clocks differ', async () => {
    expect(await tokens.verify(await sign({ exp: NOW_S - 29 }))).toMatchObject({ subject: 'lin' });
    await expect(tokens.verify(await sign({ exp: NOW_S - 30 }))).rejects.toThrow(TokenExpired);
    expect(await tokens.verify(await sign({ iat: NOW_S + 30, nbf: NOW_S + 30 }))).toMatchObject({ subject: 'lin' });
    await expect(tokens.verify(await sign({ iat: NOW_S + 31 }))).rejects.toThrow(Unauthenticated);
    await expect(tokens.verify(await sign({ nbf: NOW_S + 31 }))).rejects.toThrow(Unauthenticated);
  });

  test('of an older issuer needs no typ, but is no token of another kind', async () => {
    for (const typ of [undefined, 'JWT', 'jwt', 'at+jwt']) {
      expect(await tokens.verify(await sign({ iss: LEGACY }, { typ: typ as string }))).toMatchObject({
        issuer: LEGACY,
      });
    }
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt']) {
      await expect(tokens.verify(await sign({ iss: LEGACY }, { typ }))).rejects.toThrow(Unauthenticated);
    }
  });
});

/** The same key for RSASSA-PSS: Web Crypto binds a key to one scheme. */
async function asPss(): Promise<CryptoKey> {
  const jwk = { ...(await exportJWK(rsa.privateKey)), alg: 'PS256' };
  return crypto.subtle.importKey('jwk', jwk as webcrypto.JsonWebKey, { name: 'RSA-PSS', hash: 'SHA-256' }, false, [
    'sign',
  ]);
}

const undefinedClaim = (name: keyof JWTPayload): Promise<string> => sign({ [name]: undefined });

const ZOO: readonly (readonly [string, () => Promise<string>])[] = [
  ['of a foreign issuer', () => sign({ iss: 'https://evil.example' })],
  ['of nobody', () => undefinedClaim('iss')],
  ['whose issuer only looks alike', () => sign({ iss: `${ISSUER}/` })],
  ['of a foreign key', () => sign({}, {}, foreign.privateKey)],
  ['of a key that the issuer does not have', () => sign({}, { kid: 'other' }, foreign.privateKey)],
  ['with the algorithm none', async () => `${text({ ...HEADER, alg: 'none' })}.${text(CLAIMS)}.`],
  ['with the algorithm none and a signature', async () => `${text({ ...HEADER, alg: 'None' })}.${text(CLAIMS)}.AAAA`],
  ['signed by HS256 with the public key', async () => sign({}, { alg: 'HS256' }, await publicKeyAsSecret())],
  ['signed by RS384', async () => sign({}, { alg: 'RS384' }, await asRs384())],
  ['that names its own keys by jku', () => sign({}, { jku: 'https://evil.example/keys' })],
  ['that names its own keys by x5u', () => sign({}, { x5u: 'https://evil.example/cert' })],
  ['that brings its own key', async () => sign({}, { jwk: await exportJWK(foreign.publicKey) }, foreign.privateKey)],
  [
    'with critical extensions',
    async () => `${text({ ...HEADER, crit: ['x'], x: 1 })}.${(await sign()).split('.', 3).slice(1).join('.')}`,
  ],
  ['for somebody else', () => sign({ aud: 'https://other.example' })],
  ['for nobody', () => undefinedClaim('aud')],
  ['that says no typ', () => sign({}, { typ: undefined as unknown as string })],
  ['that is an ID token', () => sign({}, { typ: 'JWT' })],
  ['that is a logout token', () => sign({}, { typ: 'logout+jwt' })],
  ['without an end', () => undefinedClaim('exp')],
  ['without a beginning', () => undefinedClaim('iat')],
  ['without a subject', () => undefinedClaim('sub')],
  ['with an empty subject', () => sign({ sub: '' })],
  ['with a subject that is no text', () => sign({ sub: 7 as unknown as string })],
  ['with a subject of control characters', () => sign({ sub: 'a\nb' })],
  ['with an end that is no number', () => sign({ exp: 'never' as unknown as number })],
  ['changed after it was signed', async () => forged(await sign())],
  ['cut off', async () => (await sign()).slice(0, -10)],
  ['without a signature', async () => `${(await sign()).split('.').slice(0, 2).join('.')}.`],
  ['that is no JSON', async () => 'AAAA.BBBB.CCCC'],
  ['larger than any', () => sign({ junk: 'x'.repeat(20_000) })],
];

async function publicKeyAsSecret(): Promise<Uint8Array> {
  return new TextEncoder().encode(await exportSPKI(rsa.publicKey));
}

async function asRs384(): Promise<CryptoKey> {
  const jwk = { ...(await exportJWK(rsa.privateKey)), alg: 'RS384' };
  const scheme = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' };
  return crypto.subtle.importKey('jwk', jwk as webcrypto.JsonWebKey, scheme, false, ['sign']);
}

function forged(token: string): string {
  const [header, , signature] = token.split('.');
  return [header, text({ ...CLAIMS, sub: 'administrator' }), signature].join('.');
}

describe('AUTHN-3: not taken is a token', () => {
  test.each(ZOO)('%s', async (_what, make) => {
    await expect(tokens.verify(await make())).rejects.toThrow(Unauthenticated);
  });

  test('that has expired, and it is told so', async () => {
    await expect(tokens.verify(await sign({ exp: NOW_S - 3_600 }))).rejects.toThrow(TokenExpired);
  });

  test('of which nobody can tell now, and it is not called wrong', async () => {
    const fetchKeys = async (): Promise<never> => {
      throw new TypeError('fetch failed');
    };
    const blind = new AccessTokens(
      [accepted(ISSUER, false)],
      () => NOW_S * 1_000,
      ({ jwksUri }) => new IssuerKeys(jwksUri, { now: () => 0, fetchKeys }),
    );
    await expect(blind.verify(await sign())).rejects.toThrow(IssuerUnavailable);
    // What is wrong in itself is so without the issuer.
    await expect(blind.verify(await sign({ iss: 'https://evil.example' }))).rejects.toThrow(Unauthenticated);
    await expect(blind.verify(await sign({}, { typ: 'JWT' }))).rejects.toThrow(Unauthenticated);
  });

  test('of anybody where there is no issuer', async () => {
    await expect(new AccessTokens([]).verify(await sign())).rejects.toThrow(Unauthenticated);
  });
});

test('AUTHN-3: a key that the issuer wrote wrongly makes tokens of it wrong, and nothing else', async () => {
  const broken = { kty: 'RSA', kid: 'rsa', n: 'AQAB', e: '' };
  const keysOf = ({ jwksUri }: AcceptedIssuer): IssuerKeys =>
    new IssuerKeys(jwksUri, { now: () => 0, fetchKeys: async () => ({ keys: [broken] }) });
  const odd = new AccessTokens([accepted(ISSUER, false)], () => NOW_S * 1_000, keysOf);
  await expect(odd.verify(await sign())).rejects.toThrow(Unauthenticated);
});
