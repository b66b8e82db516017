import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { IssuerUnavailable } from '#catalog';

/** How long keys are used without asking for newer ones, and for how long once the issuer does not answer, milliseconds. */
const FRESH_MS = 600_000;
const STALE_MS = 3_600_000;
/** Between two times that an issuer is asked, whatever came of the first, milliseconds. */
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 5_000;
/** Key sets of large issuers have some 20 KiB. */
const MAX_BYTES = 262_144;

type KeySet = ReturnType<typeof createLocalJWKSet>;
type Fetch = (url: string) => Promise<JSONWebKeySet>;

export interface IssuerKeysSources {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly fetchKeys: Fetch;
}

/**
 * The signing keys of one issuer, from the address in our settings and never from a token (security.md AUTHN-3). An issuer that is down for less
 * than an hour locks nobody out, and a token with a key that nobody knows makes us ask at most every 30 s.
 */
export class IssuerKeys {
  private keys: KeySet | null = null;
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly jwksUri: string,
    private readonly sources: IssuerKeysSources = { now: () => performance.now(), fetchKeys },
  ) {}

  /**
   * The key that a token was signed with.
   * @throws IssuerUnavailable when nobody can tell; JOSEError where the issuer has no such key
   */
  async keyOf(header: JWSHeaderParameters, token: FlattenedJWSInput): ReturnType<KeySet> {
    if (this.ageMs > FRESH_MS) await this.load();
    try {
      return await this.usable()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // The issuer may have begun to sign with a new one.
      await this.load();
      if (this.fetchedAt < this.triedAt) {
        throw new IssuerUnavailable('the issuer of this token does not answer, and its key is not among those known');
      }
      return this.usable()(header, token);
    }
  }

  private get ageMs(): number {
    return this.sources.now() - this.fetchedAt;
  }

  private usable(): KeySet {
    if (this.keys === null || this.ageMs > STALE_MS) {
      throw new IssuerUnavailable('the issuer of this token does not answer, and its keys are not known');
    }
    return this.keys;
  }

  /** Asks for the keys, unless that was done a moment ago. */
  private async load(): Promise<void> {
    if (this.loading === null) {
      if (this.sources.now() - this.triedAt < COOLDOWN_MS) return;
      this.loading = this.fetch().finally(() => (this.loading = null));
    }
    await this.loading;
  }

  private async fetch(): Promise<void> {
    this.triedAt = this.sources.now();
    try {
      this.keys = createLocalJWKSet(await this.sources.fetchKeys(this.jwksUri));
      this.fetchedAt = this.triedAt;
    } catch (error) {
      // Those that are known are used as long as they may; `usable` says when that is over.
      if (!(error instanceof Error)) throw error;
    }
  }
}

/** Fetches a key set; follows no redirect, for the address is one of our settings. */
async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) throw new Error(`${url} answers ${response.status}`);
  return JSON.parse(await limited(response)) as JSONWebKeySet;
}

async function limited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes of keys`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString();
}
