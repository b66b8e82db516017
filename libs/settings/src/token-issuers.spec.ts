import { describe, expect, test } from '@jest/globals';
import { tokenIssuers } from './token-issuers.js';
import { Wrong } from './values.js';

const ENTRY = {
  issuer: 'https://login.example.org/realms/water',
  jwksUri: 'https://login.example.org/realms/water/keys',
  audience: 'sightline',
};
const read = (value: unknown) => tokenIssuers(JSON.stringify(value));

describe('SIGHTLINE_OIDC', () => {
  test('lists issuers; without more they give access tokens of RFC 9068 and nobody signs in by them', () => {
    expect(read([ENTRY])).toEqual([{ ...ENTRY, legacy: false }]);
    expect(read([])).toEqual([]);
  });

  test('takes older issuers, and us as their client', () => {
    const local = { ...ENTRY, issuer: 'http://127.0.0.1:4000', jwksUri: 'http://localhost:4000/jwks?x=1' };
    expect(read([ENTRY, { ...local, legacy: true, clientId: 'console', clientSecret: 's3cret' }])).toEqual([
      { ...ENTRY, legacy: false },
      { ...local, legacy: true, signIn: { clientId: 'console', clientSecret: 's3cret' } },
    ]);
    expect(read([{ ...ENTRY, clientId: 'console' }])).toMatchObject([{ signIn: { clientId: 'console' } }]);
  });

  test.each<[unknown, string]>([
    [ENTRY, 'a JSON list'],
    [['x'], 'entry 1: is no object'],
    [[{ issuer: ENTRY.issuer }], 'entry 1: jwksUri is missing; entry 1: audience is missing'],
    [[{ ...ENTRY, issuer: 'http://login.example.org' }], 'entry 1: issuer is no https address'],
    [[{ ...ENTRY, issuer: 'https://login.example.org?tenant=a' }], 'entry 1: issuer is no https address'],
    [
      [ENTRY, { ...ENTRY, issuer: 'https://b.example', jwksUri: 'http://10.0.0.1/keys' }],
      'entry 2: jwksUri is no https',
    ],
    [[{ ...ENTRY, jwksUri: 'https://hunter2:hunter2@login.example.org/' }], 'entry 1: jwksUri is no https address'],
    [[{ ...ENTRY, legacy: 'true' }], 'entry 1: legacy is neither true nor false'],
    [[{ ...ENTRY, audience: '' }], 'entry 1: audience is no plain text'],
    [[{ ...ENTRY, clientSecret: 'hunter2' }], 'entry 1: clientSecret wants clientId'],
    [[{ ...ENTRY, clientId: 'console', clientSecret: 'hunter2 ' }], 'entry 1: clientSecret is no plain text'],
    [[{ ...ENTRY, client_id: 'x' }], 'entry 1: "client_id" is no member'],
    [[{ ...ENTRY, __proto__: null, constructor: 'x' }], 'entry 1: "constructor" is no member'],
    [[ENTRY, ENTRY], 'two entries have one issuer'],
  ])('refuses %j and says where', (value, expected) => {
    const wrong = read(value);
    expect(wrong).toBeInstanceOf(Wrong);
    expect((wrong as Wrong).expected).toContain(expected);
    expect((wrong as Wrong).expected).not.toContain('hunter2');
  });

  test('refuses what is no JSON', () => {
    expect(tokenIssuers('https://login.example.org')).toBeInstanceOf(Wrong);
  });
});
