import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { Random } from './api-key.js';
import { UnreadableSecret } from './unreadable-secret.js';

/** Bytes that only one row opens. */
export interface SealedBytes {
  /** Name of the key-encryption key. */
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** A key-encryption key with its name. */
export interface NamedKey {
  readonly kid: string;
  readonly key: KeyObject;
}

/** First byte of what is sealed, and part of what it is bound to. */
export const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Of a data key and of a key-encryption key. */
export const KEY_BYTES = 32;
/** Where the wrapped data key ends and the secret begins. */
const WRAPPED_END = 1 + IV_BYTES + TAG_BYTES + KEY_BYTES;

/**
 * Seals under a data key of its own, which is wrapped by a key-encryption key, both AES-256-GCM and bound to the same place (security.md CRED-2).
 * Format byte 1, then wrapped data key and secret, each as IV (12 bytes), tag (16) and ciphertext.
 * @param place what it is bound to: at another place it does not open
 */
export function seal({ kid, key }: NamedKey, place: Buffer, plain: Buffer, random: Random): SealedBytes {
  const dataKey = random(KEY_BYTES);
  const ciphertext = Buffer.concat([
    Buffer.of(FORMAT),
    encrypt(key, random(IV_BYTES), place, dataKey),
    encrypt(createSecretKey(dataKey), random(IV_BYTES), place, plain),
  ]);
  return { kid, ciphertext };
}

/** @throws UnreadableSecret */
export function open(key: NamedKey, place: Buffer, ciphertext: Buffer): Buffer {
  const dataKey = unwrap(key, place, ciphertext);
  return readable(key, () => decrypt(createSecretKey(dataKey), place, ciphertext.subarray(WRAPPED_END)));
}

/**
 * The same secret under another key-encryption key: its data key is wrapped anew, its own bytes stay as they are.
 * @throws UnreadableSecret
 */
export function rewrap(
  { from, to }: { readonly from: NamedKey; readonly to: NamedKey },
  place: Buffer,
  sealed: Buffer,
  random: Random,
): SealedBytes {
  const wrapped = encrypt(to.key, random(IV_BYTES), place, unwrap(from, place, sealed));
  return { kid: to.kid, ciphertext: Buffer.concat([Buffer.of(FORMAT), wrapped, sealed.subarray(WRAPPED_END)]) };
}

function unwrap(key: NamedKey, place: Buffer, sealed: Buffer): Buffer {
  if (sealed[0] !== FORMAT) throw new UnreadableSecret('unknown_format', key.kid);
  return readable(key, () => decrypt(key.key, place, sealed.subarray(1, WRAPPED_END)));
}

/** OpenSSL tells a wrong key, a changed byte and a short text by errors of several kinds; all mean the same. */
function readable(key: NamedKey, work: () => Buffer): Buffer {
  try {
    return work();
  } catch (error) {
    throw new UnreadableSecret('not_authentic', key.kid, { cause: error });
  }
}

function encrypt(key: KeyObject, iv: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES }).setAAD(aad);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]);
}

function decrypt(key: KeyObject, aad: Buffer, sealed: Buffer): Buffer {
  const iv = sealed.subarray(0, IV_BYTES);
  const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES }).setAAD(aad).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
}
