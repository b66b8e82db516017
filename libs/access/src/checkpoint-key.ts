import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** An Ed25519 key as DER has it, up to its 32 bytes (RFC 8410). */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');
const PUBLIC_KEY = /^[A-Za-z0-9_-]{43}$/;

/** Signs checkpoints of the audit (AUD-3). */
export interface CheckpointSigner {
  /** Name of the key of `SIGHTLINE_SECRET_KEY` that it comes of. */
  readonly kid: string;
  /** 32 bytes, base64url: no secret, and all that an outsider needs. */
  readonly publicKey: string;
  /** @returns 64 bytes, base64url */
  sign(text: string): string;
}

/** The Ed25519 key that these 32 bytes make. */
export function checkpointSigner(kid: string, seed: KeyObject): CheckpointSigner {
  const der = Buffer.concat([PRIVATE_DER, seed.export()]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length);
  return {
    kid,
    publicKey: publicKey.toString('base64url'),
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
  };
}

/** Whether it is the text of a public key. */
export const isPublicKey = (text: unknown): text is string => typeof text === 'string' && PUBLIC_KEY.test(text);

/** Whether this key made that signature of the text. */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  const der = Buffer.concat([PUBLIC_DER, Buffer.from(publicKey, 'base64url')]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'));
}
