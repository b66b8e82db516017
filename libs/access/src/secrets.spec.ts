import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { mintKey, parseKey } from './api-key.js';
import { BadKeyring, Keyring, type SecretPlace } from './keyring.js';
import { UnreadableSecret } from './unreadable-secret.js';

/** The same bytes in every run, each call others. */
function seeded(seed: string): (bytes: number) => Buffer {
  let calls = 0;
  return (bytes) => {
    const block = (i: number): Buffer => createHash('sha512').update(`${seed} ${calls} ${i}`).digest();
    calls += 1;
    return Buffer.concat(Array.from({ length: Math.ceil(bytes / 64) }, (_, i) => block(i))).subarray(0, bytes);
  };
}

const BASE64 = { a: Buffer.alloc(32, 0xa).toString('base64'), b: Buffer.alloc(32, 0xb).toString('base64') };
const sources = { random: seeded('keyring'), now: () => 1_700_000_000_123 };
const A = Keyring.parse(`a:${BASE64.a}`, sources);
const B = Keyring.parse(`b:${BASE64.b}`, sources);
/** As after a rotation: b writes, both read. */
const BA = Keyring.parse(`b:${BASE64.b},a:${BASE64.a}`, sources);

describe('API keys (AUTHN-1)', () => {
  const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const { key, keyId, secret } = mintKey(seeded('key'));

  test('have the promised form and are read again', () => {
    expect(key).toMatch(/^slk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}$/);
    expect(key.startsWith(`slk_${keyId}_${secret}`)).toBe(true);
    expect(parseKey(key)).toEqual({ keyId, secret });
  });

  test('keep all 256 bits: base62 of the largest and the smallest secret', () => {
    const ones = mintKey((bytes) => Buffer.alloc(bytes, 0xff));
    const digits = [...ones.secret].reduce((sum, digit) => sum * 62n + BigInt(ALPHABET.indexOf(digit)), 0n);
    expect(digits).toBe(2n ** 256n - 1n);
    const zeros = mintKey((bytes) => Buffer.alloc(bytes));
    expect(zeros.secret).toBe('0'.repeat(43));
    // CRC-32 (ISO-HDLC) of "slk_" + 10 zeros + "_" + 43 zeros, computed apart from this code.
    expect(zeros.key.slice(-6)).toBe(CRC_OF_ZEROS);
  });

  test('differ, in id and secret', () => {
    const made = Array.from({ length: 200 }, () => mintKey(randomBytes));
    expect(new Set(made.map((one) => one.keyId)).size).toBe(200);
    expect(new Set(made.map((one) => one.secret)).size).toBe(200);
    for (const one of made) expect(parseKey(one.key)).toEqual({ keyId: one.keyId, secret: one.secret });
  });

  test('no typo of one character passes', () => {
    for (let i = 0; i < key.length; i += 1) {
      for (const other of ALPHABET) {
        const typo = key.slice(0, i) + other + key.slice(i + 1);
        if (typo !== key) expect(parseKey(typo)).toBeNull();
      }
    }
  });

  test('no two neighbours exchanged pass', () => {
    for (let i = 0; i + 1 < key.length; i += 1) {
      const typo = key.slice(0, i) + key.charAt(i + 1) + key.charAt(i) + key.slice(i + 2);
      if (typo !== key) expect(parseKey(typo)).toBeNull();
    }
  });

  test.each([
    ['', 'nothing'],
    [key.slice(0, -1), 'cut'],
    [`${key}0`, 'too long'],
    [` ${key}`, 'a blank before'],
    [`${key}\n`, 'a line end after'],
    [key.toUpperCase(), 'upper case'],
    [`Bearer ${key}`, 'with its scheme'],
  ])('%j is none: %s', (text) => {
    expect(parseKey(text)).toBeNull();
  });
});

describe('the list of keys (CRED-3)', () => {
  test('the first one writes', () => {
    expect(A.writing).toBe('a');
    expect(BA.writing).toBe('b');
  });

  test('a generated list is one that can be read', () => {
    const text = Keyring.generate(seeded('generate'));
    expect(text).toMatch(/^k[0-9a-f]{8}:[A-Za-z0-9+/]{43}=$/);
    expect(Keyring.parse(text).writing).toBe(text.split(':')[0]);
    expect(Keyring.generate(randomBytes)).not.toBe(Keyring.generate(randomBytes));
  });

  test('blanks around the commas are no matter', () => {
    expect(Keyring.parse(` a:${BASE64.a} , b:${BASE64.b} `).writing).toBe('a');
  });

  test.each([
    ['', 1],
    [BASE64.a, 1],
    [`a:${BASE64.a},`, 2],
    [`a:${BASE64.a};b:${BASE64.b}`, 1],
    [`a:${Buffer.alloc(31, 1).toString('base64')}`, 1],
    [`a:${Buffer.alloc(33, 1).toString('base64')}`, 1],
    [`a:${BASE64.a},b c:${BASE64.b}`, 2],
    [`a:${Buffer.alloc(32, 0xfb).toString('base64url')}`, 1],
  ])('%j is wrong at entry %i, and the message shows nothing of it', (text, entry) => {
    expect(() => Keyring.parse(text)).toThrow(BadKeyring);
    expect(() => Keyring.parse(text)).toThrow(
      `entry ${entry} of the secret key is not of the form kid:base64 of 32 bytes, several separated by commas`,
    );
  });

  test('one name stands once', () => {
    expect(() => Keyring.parse(`a:${BASE64.a},a:${BASE64.b}`)).toThrow('two entries of the secret key are called a');
  });

  test('prints nothing of the keys', () => {
    const printed = inspect(A, { depth: 9, showHidden: true }) + JSON.stringify(A);
    expect(printed).not.toContain(BASE64.a);
    expect(printed).not.toMatch(/0a ?0a ?0a/);
  });
});

describe('sealed credentials (CRED-2)', () => {
  const PLACE: SecretPlace = { cameraId: '01890000-0000-7000-8000-000000000001', authority: 'water', slot: 1 };
  const CREDENTIALS = { username: 'viewer', password: 'pässword: "1"\u0000' };
  const reasonOf = (open: () => unknown): string => {
    try {
      open();
    } catch (error) {
      if (error instanceof UnreadableSecret) return error.reason;
      throw error;
    }
    return 'opened';
  };

  test('open where they were sealed', () => {
    const { kid, ciphertext } = A.seal(PLACE, CREDENTIALS);
    expect(kid).toBe('a');
    expect(A.open(PLACE, kid, ciphertext)).toEqual(CREDENTIALS);
    expect(A.open(PLACE, kid, A.seal(PLACE, { username: '', password: '' }).ciphertext)).toEqual({
      username: '',
      password: '',
    });
  });

  test('hold neither name nor password in any usual encoding', () => {
    const { ciphertext, fingerprint } = A.seal(PLACE, CREDENTIALS);
    const bytes = ciphertext.toString('latin1') + fingerprint;
    for (const text of [CREDENTIALS.username, CREDENTIALS.password]) {
      for (const encoding of ['utf8', 'hex', 'base64'] as const) {
        expect(bytes).not.toContain(Buffer.from(text).toString(encoding));
      }
    }
  });

  test('are never twice the same bytes', () => {
    const sealed = Array.from({ length: 50 }, () => A.seal(PLACE, CREDENTIALS).ciphertext);
    // Format byte apart, no 12 bytes at the places of the two IVs repeat.
    for (const at of [1, 61]) {
      expect(new Set(sealed.map((one) => one.subarray(at, at + 12).toString('hex'))).size).toBe(50);
    }
  });

  test('no changed byte is accepted', () => {
    const { kid, ciphertext } = A.seal(PLACE, CREDENTIALS);
    for (let i = 0; i < ciphertext.length; i += 1) {
      const changed = Buffer.from(ciphertext);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(reasonOf(() => A.open(PLACE, kid, changed))).toBe(i === 0 ? 'unknown_format' : 'not_authentic');
    }
  });

  test('nothing shorter or longer is accepted', () => {
    const { kid, ciphertext } = A.seal(PLACE, CREDENTIALS);
    for (let length = 0; length < ciphertext.length; length += 1) {
      const reason = length === 0 ? 'unknown_format' : 'not_authentic';
      expect(reasonOf(() => A.open(PLACE, kid, ciphertext.subarray(0, length)))).toBe(reason);
    }
    expect(reasonOf(() => A.open(PLACE, kid, Buffer.concat([ciphertext, Buffer.of(0)])))).toBe('not_authentic');
  });

  test.each<[string, SecretPlace]>([
    ['camera', { ...PLACE, cameraId: '01890000-0000-7000-8000-000000000002' }],
    ['authority', { ...PLACE, authority: 'roads' }],
    ['slot', { ...PLACE, slot: 2 }],
  ])('moved to another %s they do not open', (_what, other) => {
    const here = A.seal(PLACE, CREDENTIALS);
    const there = A.seal(other, { username: 'other', password: 'other' });
    expect(reasonOf(() => A.open(other, here.kid, here.ciphertext))).toBe('not_authentic');
    expect(reasonOf(() => A.open(PLACE, there.kid, there.ciphertext))).toBe('not_authentic');
  });

  test('two halves of different secrets do not make a third', () => {
    const one = A.seal(PLACE, CREDENTIALS).ciphertext;
    const two = A.seal(PLACE, { username: 'viewer', password: 'other' }).ciphertext;
    const mixed = Buffer.concat([one.subarray(0, 61), two.subarray(61)]);
    expect(reasonOf(() => A.open(PLACE, 'a', mixed))).toBe('not_authentic');
  });

  test('rotation: the old key reads, the new one writes, and afterwards the old one may go', () => {
    const old = A.seal(PLACE, CREDENTIALS);
    expect(BA.open(PLACE, old.kid, old.ciphertext)).toEqual(CREDENTIALS);
    const moved = BA.rewrap(PLACE, old);
    expect(moved.kid).toBe('b');
    expect(B.open(PLACE, moved.kid, moved.ciphertext)).toEqual(CREDENTIALS);
    expect(B.sameCredentials(moved.fingerprint, CREDENTIALS)).toBe(true);
    // Format byte and the secret's own bytes stay; the wrapped data key is another.
    expect(moved.ciphertext.subarray(61)).toEqual(old.ciphertext.subarray(61));
    expect(moved.ciphertext.subarray(1, 61)).not.toEqual(old.ciphertext.subarray(1, 61));
    expect(reasonOf(() => BA.rewrap({ ...PLACE, slot: 2 }, old))).toBe('not_authentic');
    expect(reasonOf(() => B.rewrap(PLACE, old))).toBe('unknown_kid');
    expect(reasonOf(() => B.open(PLACE, old.kid, old.ciphertext))).toBe('unknown_kid');
  });

  test('another key under the same name opens nothing', () => {
    const { kid, ciphertext } = A.seal(PLACE, CREDENTIALS);
    expect(reasonOf(() => Keyring.parse(`a:${BASE64.b}`).open(PLACE, kid, ciphertext))).toBe('not_authentic');
  });

  describe('fingerprints (CRED-8)', () => {
    const other = { username: CREDENTIALS.username, password: 'x' };

    test('are equal for equal credentials only', () => {
      expect(A.seal(PLACE, CREDENTIALS).fingerprint).toBe(A.fingerprint(CREDENTIALS));
      expect(A.fingerprint(other)).not.toBe(A.fingerprint(CREDENTIALS));
      expect(A.fingerprint({ username: 'a', password: 'bc' })).not.toBe(
        A.fingerprint({ username: 'ab', password: 'c' }),
      );
      expect(A.sameCredentials(A.fingerprint(CREDENTIALS), CREDENTIALS)).toBe(true);
      expect(A.sameCredentials(A.fingerprint(CREDENTIALS), other)).toBe(false);
    });

    test('stay known through a rotation, and become unknown with their key', () => {
      const kept = A.fingerprint(CREDENTIALS);
      expect(BA.sameCredentials(kept, CREDENTIALS)).toBe(true);
      expect(BA.sameCredentials(kept, other)).toBe(false);
      expect(BA.fingerprint(CREDENTIALS)).not.toBe(kept);
      expect(B.sameCredentials(kept, CREDENTIALS)).toBe(false);
      expect(A.sameCredentials('', CREDENTIALS)).toBe(false);
      expect(A.sameCredentials('a.', CREDENTIALS)).toBe(false);
    });
  });
});

describe('secrets of API keys (AUTHN-1)', () => {
  const { secret } = mintKey(seeded('secret'));

  test('are known again, by this and by no other key', () => {
    const { kid, hmac } = A.pepper(secret);
    expect(hmac).toHaveLength(32);
    expect(A.verifySecret(secret, kid, hmac)).toBe(true);
    expect(BA.verifySecret(secret, kid, hmac)).toBe(true);
    expect(B.verifySecret(secret, kid, hmac)).toBe(false);
    expect(A.verifySecret(`${secret.slice(0, -1)}x`, kid, hmac)).toBe(false);
    expect(A.verifySecret(secret, kid, hmac.subarray(0, 31))).toBe(false);
    expect(A.verifySecret(secret, kid, Buffer.alloc(0))).toBe(false);
  });

  test('of unknown keys are never right', () => {
    expect(A.refuseUnknown(secret)).toBe(false);
    expect(A.verifySecret(secret, 'gone', Buffer.alloc(32))).toBe(false);
  });

  test('a label a use: the same text gives four different values', () => {
    const credentials = { username: 'a', password: 'b' };
    const text = JSON.stringify(['a', 'b']);
    expect(A.fingerprint(credentials)).not.toContain(A.pepper(text).hmac.toString('base64url'));
  });
});

describe('cursors', () => {
  const payload = { after: ['01890000-0000-7000-8000-000000000001', 12.5], of: 'hash' };
  const cursor = A.signCursor(payload);

  test('come back as they went, with the moment of issue', () => {
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(A.readCursor(cursor)).toEqual({ payload, issuedAt: 1_700_000_000_123 });
    expect(BA.readCursor(cursor)).toEqual({ payload, issuedAt: 1_700_000_000_123 });
    expect(B.readCursor(cursor)).toBeNull();
  });

  test('no changed character is accepted, the loose bits of the last one neither', () => {
    const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (let i = 0; i < cursor.length; i += 1) {
      for (const letter of i === cursor.length - 1 ? LETTERS : LETTERS.slice(0, 2)) {
        const forged = cursor.slice(0, i) + letter + cursor.slice(i + 1);
        if (forged !== cursor) expect(A.readCursor(forged)).toBeNull();
      }
    }
  });

  test.each(['', 'x', cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, ` ${cursor}`, `${cursor}\n`, 'A'.repeat(5000)])(
    '%j is none of ours',
    (text) => {
      expect(A.readCursor(text)).toBeNull();
    },
  );
});

/** The six base62 digits of that CRC-32. */
const CRC_OF_ZEROS = '07os5Z';
