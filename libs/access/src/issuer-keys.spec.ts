import { beforeEach, describe, expect, test } from '@jest/globals';
import { errors, exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose';
import { IssuerUnavailable } from '#catalog';
import { IssuerKeys } from './issuer-keys.js';

/** AUTHN-3: keys of an issuer, by a clock and an issuer that the test turns. */
let now: number;
let answer: JSONWebKeySet | Error;
let asked: number;
let keys: IssuerKeys;

beforeEach(() => {
  now = 0;
  asked = 0;
  const fetchKeys = async (): Promise<JSONWebKeySet> => {
    asked += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  keys = new IssuerKeys('https://issuer.example/keys', { now: () => now, fetchKeys });
});

async function keySet(...kids: readonly string[]): Promise<JSONWebKeySet> {
  const made = await Promise.all(
    kids.map(async (kid) => {
      const { publicKey } = await generateKeyPair('ES256');
      return { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
    }),
  );
  return { keys: made };
}

const find = (kid: string) => keys.keyOf({ alg: 'ES256', kid }, { payload: '', signature: '' });
const DOWN = new TypeError('fetch failed');
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

describe('AUTHN-3: keys of an issuer', () => {
  test('are asked for once, and again after ten minutes', async () => {
    answer = await keySet('a');
    await Promise.all([find('a'), find('a')]);
    now = 10 * MINUTE;
    await find('a');
    expect(asked).toBe(1);
    now += 1;
    await find('a');
    expect(asked).toBe(2);
  });

  test('that nobody knows are asked for at most every 30 s', async () => {
    answer = await keySet('a');
    await find('a');
    answer = await keySet('a', 'b');
    now = 29 * SECOND;
    await expect(find('b')).rejects.toThrow(errors.JWKSNoMatchingKey);
    expect(asked).toBe(1);
    now = 30 * SECOND;
    await find('b');
    await expect(find('c')).rejects.toThrow(errors.JWKSNoMatchingKey);
    expect(asked).toBe(2);
  });

  test('that the issuer withdrew count no more', async () => {
    answer = await keySet('a', 'b');
    await find('a');
    answer = await keySet('b');
    now = 11 * MINUTE;
    await expect(find('a')).rejects.toThrow(errors.JWKSNoMatchingKey);
  });

  test('serve for an hour while the issuer is down, and no longer', async () => {
    answer = await keySet('a');
    await find('a');
    answer = DOWN;
    now = HOUR;
    await find('a');
    now = HOUR + 1;
    await expect(find('a')).rejects.toThrow(IssuerUnavailable);
    answer = await keySet('a');
    now += 30 * SECOND;
    await find('a');
  });

  test('of an issuer that is down make nothing wrong that may be right', async () => {
    answer = await keySet('a');
    await find('a');
    answer = DOWN;
    now = MINUTE;
    await expect(find('b')).rejects.toThrow(IssuerUnavailable);
    // Within the cooldown too, when nobody is asked.
    await expect(find('b')).rejects.toThrow(IssuerUnavailable);
    expect(asked).toBe(2);
    await find('a');
  });

  test.each([
    ['that never answered', DOWN],
    ['that answers something else', { keys: 'none' } as unknown as JSONWebKeySet],
  ])('of an issuer %s are not there, and it is not asked at each request', async (_what, first) => {
    answer = first;
    await expect(find('a')).rejects.toThrow(IssuerUnavailable);
    await expect(find('a')).rejects.toThrow(IssuerUnavailable);
    expect(asked).toBe(1);
    answer = await keySet('a');
    now = 30 * SECOND;
    await find('a');
  });
});
