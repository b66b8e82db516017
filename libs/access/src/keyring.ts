import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Credentials } from '#catalog';
import type { Random } from './api-key.js';
import { type CheckpointSigner, checkpointSigner } from './checkpoint-key.js';
import { FORMAT, KEY_BYTES, type NamedKey, open, rewrap, seal, type SealedBytes } from './envelope.js';
import { UnreadableSecret } from './unreadable-secret.js';

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

/** A label a use: whoever gets hold of one derived key has none of the others. */
const LABELS = {
  seal: 'seal',
  fingerprint: 'fingerprint',
  pepper: 'key pepper',
  cursor: 'cursor',
  webhook: 'webhook seal',
  checkpoint: 'audit checkpoint',
  link: 'thumbnail link',
} as const;
type Use = keyof typeof LABELS;

/** One key of the list, as the keys derived from it. */
type Key = { readonly kid: string } & Readonly<Record<Use, KeyObject>>;

const ENTRY = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/;
const FORM = 'kid:base64 of 32 bytes, several separated by commas';

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

  /** Names of the keys that read, the one that writes first. */
  get kids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Seals a camera's credentials for one row (CRED-2). */
  seal(place: SecretPlace, credentials: Credentials): Sealed {
    const text = Buffer.from(JSON.stringify([credentials.username, credentials.password]));
    const sealed = seal(this.#writes('seal'), associated(place), text, this.#sources.random);
    return { ...sealed, fingerprint: this.fingerprint(credentials) };
  }

  /** @throws UnreadableSecret */
  open(place: SecretPlace, kid: string, ciphertext: Buffer): Credentials {
    const text = open(this.#reads('seal', kid), associated(place), ciphertext);
    const [username, password] = JSON.parse(text.toString()) as [string, string];
    return { username, password };
  }

  /**
   * The same credentials under the writing key, sealed bytes and fingerprint: of the bytes only the wrapped data key is another. The credentials
   * are opened in passing, for a fingerprint is theirs; so a key may go, and a re-import still finds them unchanged.
   * @throws UnreadableSecret
   */
  rewrap(place: SecretPlace, { kid, ciphertext }: SealedBytes): Sealed {
    const keys = { from: this.#reads('seal', kid), to: this.#writes('seal') };
    const fingerprint = this.fingerprint(this.open(place, kid, ciphertext));
    return { ...rewrap(keys, associated(place), ciphertext, this.#sources.random), fingerprint };
  }

  /** Seals the signing key of a webhook for one row. */
  sealWebhook(place: WebhookSecretPlace, secret: Buffer): SealedBytes {
    return seal(this.#writes('webhook'), associatedWebhook(place), secret, this.#sources.random);
  }

  /** @throws UnreadableSecret */
  openWebhook(place: WebhookSecretPlace, { kid, ciphertext }: SealedBytes): Buffer {
    return open(this.#reads('webhook', kid), associatedWebhook(place), ciphertext);
  }

  /** The same signing key under the writing key, without opening it. @throws UnreadableSecret */
  rewrapWebhook(place: WebhookSecretPlace, { kid, ciphertext }: SealedBytes): SealedBytes {
    const keys = { from: this.#reads('webhook', kid), to: this.#writes('webhook') };
    return rewrap(keys, associatedWebhook(place), ciphertext, this.#sources.random);
  }

  #writes(use: 'seal' | 'webhook'): NamedKey {
    return { kid: this.writing, key: this.#first[use] };
  }

  /** @throws UnreadableSecret */
  #reads(use: 'seal' | 'webhook', kid: string): NamedKey {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new UnreadableSecret('unknown_kid', kid);
    return { kid, key: key[use] };
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

  /** Sign checkpoints of the audit, the writing key's first: while two keys stand in the list each vouches for the other. */
  checkpointSigners(): readonly CheckpointSigner[] {
    return [...this.#keys.values()].map(({ kid, checkpoint }) => checkpointSigner(kid, checkpoint));
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

  /** Signs what a link to a picture stands for (WEB-5). @returns the whole HMAC-SHA-256 in base64url, and the name of its key */
  signLink(text: string): { readonly kid: string; readonly signature: string } {
    return { kid: this.writing, signature: hmac(this.#first.link, text).toString('base64url') };
  }

  /** Whether the signature is ours and of this text; in constant time. */
  isSignedLink(text: string, kid: string, signature: string): boolean {
    const key = this.#keys.get(kid);
    return key !== undefined && equal(Buffer.from(signature), Buffer.from(hmac(key.link, text).toString('base64url')));
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
    link: use(LABELS.link),
    checkpoint: use(LABELS.checkpoint),
  };
}

/** Slugs, UUIDs and numbers hold no bar, so no two places read the same. */
function associated({ cameraId, authority, slot }: SecretPlace): Buffer {
  return Buffer.from(`camera_secret|${authority}|${cameraId}|${slot}|${FORMAT}`);
}

function associatedWebhook({ webhookId, number }: WebhookSecretPlace): Buffer {
  return Buffer.from(`webhook_secret|${webhookId}|${number}|${FORMAT}`);
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
