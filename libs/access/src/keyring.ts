import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { Credentials } from '#catalog';
import type { Random } from './api-key.js';

/** The row that a sealed secret lives in. Sealed for one place, it opens at no other. */
export interface SecretPlace {
  readonly cameraId: string;
  readonly authority: string;
  readonly slot: number;
}

/** The row that a webhook's secret lives in. */
export interface WebhookSecretPlace {
  readonly webhookId: string;
  readonly number: number;
}

/** A secret as the database keeps it. */
export interface Sealed extends SealedBytes {
  /** Tells equal credentials from changed ones without opening them: `sameCredentials`. */
  readonly fingerprint: string;
}

/** Bytes that only one row opens. */
export interface SealedBytes {
  /** Name of the key-encryption key. */
  readonly kid: string;
  readonly ciphertext: Buffer;
}

/** What a keyring takes from outside. */
export interface KeyringSources {
  readonly random: Random;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** `SIGHTLINE_SECRET_KEY` is unusable; the message says where and never shows key material. */
export class BadKeyring extends Error {
  override readonly name = 'BadKeyring';
}

/** Why a sealed secret does not open: its key is not here; a newer program wrote it; or it was changed or moved. */
export type UnreadableReason = 'unknown_kid' | 'unknown_format' | 'not_authentic';

/** A sealed secret does not open. The camera is not asked (`credential_unreadable`), the webhook not told; everything else goes on. */
export class UnreadableSecret extends Error {
  override readonly name = 'UnreadableSecret';
  constructor(
    readonly reason: UnreadableReason,
    readonly kid: string,
    options?: ErrorOptions,
  ) {
    super(`the sealed secret under key ${kid} does not open: ${reason}`, options);
  }
}

/** A label a use: whoever gets hold of one derived key has none of the others. */
const LABELS = {
  seal: 'seal',
  fingerprint: 'fingerprint',
  pepper: 'key pepper',
  cursor: 'cursor',
  webhook: 'webhook seal',
} as const;
type Use = keyof typeof LABELS;

/** One key of the list, as the keys derived from it. */
type Key = { readonly kid: string } & Readonly<Record<Use, KeyObject>>;

const ENTRY = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/;
const FORM = 'kid:base64 of 32 bytes, several separated by commas';

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Of a cursor; 128 bits are enough for a value that lives a day. */
const MAC_BYTES = 16;
const CURSOR_FORM = /^[A-Za-z0-9_-]{24,4096}$/;

/**
 * The server's own secrets (security.md CRED-3): the first key of the list writes, all read. The derived keys are
 * `KeyObject`s in private fields, so that no log and no error prints them.
 */
export class Keyring {
  readonly #keys: ReadonlyMap<string, Key>;
  readonly #first: Key;
  readonly #sources: KeyringSources;

  private constructor(keys: readonly [Key, ...Key[]], sources: KeyringSources) {
    this.#keys = new Map(keys.map((key) => [key.kid, key]));
    this.#first = keys[0];
    this.#sources = sources;
  }

  /**
   * Reads `kid:base64,kid:base64`.
   * @throws BadKeyring
   */
  static parse(text: string, sources: KeyringSources = { random: randomBytes, now: Date.now }): Keyring {
    const kids = new Set<string>();
    const [first, ...others] = text.split(',').map((entry, i) => {
      const [, kid, secret] = ENTRY.exec(entry.trim()) ?? [];
      if (kid === undefined || secret === undefined) {
        throw new BadKeyring(`entry ${i + 1} of the secret key is not of the form ${FORM}`);
      }
      if (kids.has(kid)) throw new BadKeyring(`two entries of the secret key are called ${kid}`);
      kids.add(kid);
      return derive(kid, Buffer.from(secret, 'base64'));
    });
    if (first === undefined) throw new Error('bug: split gives at least one entry');
    return new Keyring([first, ...others], sources);
  }

  /** A new list of one key, as the text for `SIGHTLINE_SECRET_KEY` or the file in the data directory. */
  static generate(random: Random): string {
    return `k${random(4).toString('hex')}:${random(KEY_BYTES).toString('base64')}`;
  }

  /** Name of the key that writes. What stands under another one moves at its next use or by `sightline keys rotate`. */
  get writing(): string {
    return this.#first.kid;
  }

  /** Seals a camera's credentials for one row (CRED-2). */
  seal(place: SecretPlace, credentials: Credentials): Sealed {
    const text = Buffer.from(JSON.stringify([credentials.username, credentials.password]));
    return { ...this.#sealed('seal', associated(place), text), fingerprint: this.fingerprint(credentials) };
  }

  /** @throws UnreadableSecret */
  open(place: SecretPlace, kid: string, ciphertext: Buffer): Credentials {
    const text = this.#opened('seal', associated(place), { kid, ciphertext });
    const [username, password] = JSON.parse(text.toString()) as [string, string];
    return { username, password };
  }

  /** Seals the signing key of a webhook for one row. */
  sealWebhook(place: WebhookSecretPlace, secret: Buffer): SealedBytes {
    return this.#sealed('webhook', associatedWebhook(place), secret);
  }

  /** @throws UnreadableSecret */
  openWebhook(place: WebhookSecretPlace, sealed: SealedBytes): Buffer {
    return this.#opened('webhook', associatedWebhook(place), sealed);
  }

  /**
   * AES-256-GCM under a data key of its own, which is wrapped by the writing key. Format byte 1, then wrapped data key and secret, each
   * as IV (12 bytes), tag (16) and ciphertext.
   */
  #sealed(use: 'seal' | 'webhook', aad: Buffer, plain: Buffer): SealedBytes {
    const { random } = this.#sources;
    const dataKey = random(KEY_BYTES);
    const ciphertext = Buffer.concat([
      Buffer.of(FORMAT),
      encrypt(this.#first[use], random(IV_BYTES), aad, dataKey),
      encrypt(createSecretKey(dataKey), random(IV_BYTES), aad, plain),
    ]);
    return { kid: this.writing, ciphertext };
  }

  /** @throws UnreadableSecret */
  #opened(use: 'seal' | 'webhook', aad: Buffer, { kid, ciphertext }: SealedBytes): Buffer {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new UnreadableSecret('unknown_kid', kid);
    if (ciphertext[0] !== FORMAT) throw new UnreadableSecret('unknown_format', kid);
    const wrapped = ciphertext.subarray(1, 1 + IV_BYTES + TAG_BYTES + KEY_BYTES);
    const secret = ciphertext.subarray(1 + IV_BYTES + TAG_BYTES + KEY_BYTES);
    try {
      return decrypt(createSecretKey(decrypt(key[use], aad, wrapped)), aad, secret);
    } catch (error) {
      // OpenSSL tells a wrong key, a changed byte and a short text by errors of several kinds; all mean the same.
      throw new UnreadableSecret('not_authentic', kid, { cause: error });
    }
  }

  /**
   * HMAC of credentials with the name of its key before it (CRED-8). It depends on the writing key: a fingerprint that
   * outlived every key could be tried against guessed passwords for ever. So a kept one is compared by
   * `sameCredentials`, which computes under the kept one's own key, and text equality is only sufficient.
   */
  fingerprint(credentials: Credentials): string {
    return fingerprintUnder(this.#first, credentials);
  }

  /**
   * Whether a kept fingerprint is that of these credentials: a re-import knows "unchanged", before and after a rotation.
   * False where its key is gone; the secret is then sealed anew, which heals it.
   */
  sameCredentials(fingerprint: string, credentials: Credentials): boolean {
    const key = this.#keys.get(fingerprint.slice(0, fingerprint.indexOf('.')));
    return key !== undefined && equal(Buffer.from(fingerprint), Buffer.from(fingerprintUnder(key, credentials)));
  }

  /** What is kept of an API key's secret. No slow hash: the secret is 256 random bits (ASVS 5.0, 6.5.2). */
  pepper(secret: string): { readonly kid: string; readonly hmac: Buffer } {
    return { kid: this.writing, hmac: hmac(this.#first.pepper, secret) };
  }

  /** Whether the secret is the one kept; in constant time, and false where the pepper's key is gone. */
  verifySecret(secret: string, kid: string, kept: Buffer): boolean {
    const key = this.#keys.get(kid);
    return key === undefined ? this.refuseUnknown(secret) : equal(hmac(key.pepper, secret), kept);
  }

  /** For a key id that does not exist: the same work, so that time does not tell; always false. */
  refuseUnknown(secret: string): false {
    const made = hmac(this.#first.pepper, secret);
    equal(made, NOBODYS);
    return false;
  }

  /**
   * A position in a list as opaque text: MAC and JSON in base64url. Signed and not secret: it holds what its caller was
   * just shown.
   * @param at when it was issued, Unix time, milliseconds; a cursor that is to read the same each time says of what moment it is
   */
  signCursor(payload: object, at = this.#sources.now()): string {
    const body = Buffer.from(JSON.stringify({ at, of: payload }));
    return Buffer.concat([cursorMac(this.#first, body), body]).toString('base64url');
  }

  /**
   * The position, or null for text that this keyring never signed.
   * @returns issuedAt Unix time, milliseconds; how old a cursor may be is the caller's affair
   */
  readCursor(text: string): { readonly payload: unknown; readonly issuedAt: number } | null {
    if (!CURSOR_FORM.test(text)) return null;
    const bytes = Buffer.from(text, 'base64url');
    const body = bytes.subarray(MAC_BYTES);
    const isOurs = [...this.#keys.values()].some((key) => equal(cursorMac(key, body), bytes.subarray(0, MAC_BYTES)));
    if (!isOurs || bytes.toString('base64url') !== text) return null;
    const { at, of } = JSON.parse(body.toString()) as { at: number; of: unknown };
    return { payload: of, issuedAt: at };
  }
}

/** Compared with when a key id is unknown: no HMAC is all zeros but with chance 2⁻²⁵⁶, and the answer is no even then. */
const NOBODYS = Buffer.alloc(32);

/** HKDF-SHA-256 (RFC 5869); no salt, since the input is a uniformly random key. */
function derive(kid: string, secret: Buffer): Key {
  const use = (label: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `sightline ${label} v1`, KEY_BYTES)));
  return {
    kid,
    seal: use(LABELS.seal),
    fingerprint: use(LABELS.fingerprint),
    pepper: use(LABELS.pepper),
    cursor: use(LABELS.cursor),
    webhook: use(LABELS.webhook),
  };
}

/** Slugs, UUIDs and numbers hold no bar, so no two places read the same. */
function associated({ cameraId, authority, slot }: SecretPlace): Buffer {
  return Buffer.from(`camera_secret|${authority}|${cameraId}|${slot}|${FORMAT}`);
}

function associatedWebhook({ webhookId, number }: WebhookSecretPlace): Buffer {
  return Buffer.from(`webhook_secret|${webhookId}|${number}|${FORMAT}`);
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

function hmac(key: KeyObject, text: string | Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function fingerprintUnder(key: Key, { username, password }: Credentials): string {
  return `${key.kid}.${hmac(key.fingerprint, JSON.stringify([username, password])).toString('base64url')}`;
}

function cursorMac(key: Key, body: Buffer): Buffer {
  return hmac(key.cursor, body).subarray(0, MAC_BYTES);
}

/** `timingSafeEqual` throws on unequal lengths, which are no secret. */
function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
