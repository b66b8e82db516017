import { crc32 } from 'node:zlib';

/** Gives that many random bytes, fit for secrets. */
export type Random = (bytes: number) => Buffer;

/** How long a key lives, seconds: when nothing is said, and at most. */
export const KEY_LIFE_S = { usual: 90 * 86_400, most: 400 * 86_400 } as const;

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 10;
/** 62⁴³ is the first power of 62 above 2²⁵⁶. */
const SECRET_LENGTH = 43;
/** 62⁶ is the first power of 62 above 2³². */
const CRC_LENGTH = 6;
const FORM = new RegExp(`^slk_([0-9A-Za-z]{${ID_LENGTH}})_([0-9A-Za-z]{${SECRET_LENGTH}})[0-9A-Za-z]{${CRC_LENGTH}}$`);

/** The parts of a key that the server looks at. */
export interface KeyParts {
  /** Names the key, in lists and logs too. */
  readonly keyId: string;
  /** 256 random bits; kept nowhere but as an HMAC. */
  readonly secret: string;
}

/**
 * Makes an API key, `slk_<keyId 10>_<secret 43><crc 6>` in base62 (security.md AUTHN-1). The prefix lets secret scanners
 * find a key that leaked; the CRC-32 over all that precedes it tells a typo from a wrong key.
 */
export function mintKey(random: Random): KeyParts & { readonly key: string } {
  const keyId = base62(random(16), ID_LENGTH);
  const secret = base62(random(32), SECRET_LENGTH);
  const body = `slk_${keyId}_${secret}`;
  return { key: body + checksum(body), keyId, secret };
}

/** Id and secret of a key, or null for what cannot be one: a typo fails here, without a query. */
export function parseKey(text: string): KeyParts | null {
  const [, keyId, secret] = FORM.exec(text) ?? [];
  if (keyId === undefined || secret === undefined) return null;
  const body = text.slice(0, -CRC_LENGTH);
  return checksum(body) === text.slice(-CRC_LENGTH) ? { keyId, secret } : null;
}

function checksum(body: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return base62(bytes, CRC_LENGTH);
}

/** The number that the bytes make, modulo 62^length, most significant digit first. */
function base62(bytes: Buffer, length: number): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let digits = '';
  for (let i = 0; i < length; i += 1) {
    digits = ALPHABET.charAt(Number(rest % 62n)) + digits;
    rest /= 62n;
  }
  return digits;
}
