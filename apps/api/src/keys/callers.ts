import { timingSafeEqual } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { ANONYMOUS, type Keyring, parseKey, type Principal, principalOfKey } from '#access';
import { TokenExpired, Unauthenticated } from '#catalog';
import { ApiKeys, type PresentedKey } from '#storage';

/** How long a key that was let in is believed, milliseconds: a revoked one is refused at most this much later (AUTHN-4). */
const BELIEVED_MS = 4_000;
/** Keys remembered at most; beyond it all are forgotten, which only costs queries. */
const MAX_REMEMBERED = 10_000;
/** How often uses are written down, milliseconds. */
const NOTE_EVERY_MS = 30_000;

interface Remembered {
  readonly secret: string;
  readonly principal: Principal;
  readonly until: number;
}

/** Tells who asks. */
export class Callers {
  private readonly remembered = new Map<string, Remembered>();
  private readonly used = new Set<string>();
  private notedAt = performance.now();

  constructor(
    private readonly db: DataSource,
    private readonly keyring: Keyring,
  ) {}

  /**
   * The caller of a request; anonymous only without any credentials.
   * @throws Unauthenticated for a key that is mistyped, unknown or revoked; TokenExpired
   */
  async identify(authorization: string | undefined): Promise<Principal> {
    if (authorization === undefined || authorization === '') return ANONYMOUS;
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (token === undefined) throw new Unauthenticated('the header Authorization is not of the form: Bearer slk_…');
    const key = parseKey(token);
    if (key === null) throw new Unauthenticated('this is no API key, or one with a typing error');
    const known = this.remembered.get(key.keyId);
    if (known !== undefined && isEqual(known.secret, key.secret) && known.until > performance.now())
      return known.principal;
    const presented = await new ApiKeys(this.db).findByKeyId(key.keyId);
    this.judge(presented, key.secret);
    const principal = principalOfKey(key.keyId, presented);
    this.remember(key.keyId, { secret: key.secret, principal, until: performance.now() + BELIEVED_MS });
    await this.noteUse(key.keyId);
    await this.renewPepper(presented, key.secret);
    return principal;
  }

  /** A key that was found revoked is believed no longer. */
  forget(keyId: string): void {
    this.remembered.delete(keyId);
  }

  private judge(presented: PresentedKey | null, secret: string): asserts presented is PresentedKey {
    const isRight =
      presented === null
        ? this.keyring.refuseUnknown(secret)
        : this.keyring.verifySecret(secret, presented.pepper.kid, presented.pepper.hmac);
    if (presented === null || !isRight) throw new Unauthenticated('this API key is not known');
    if (presented.state === 'revoked') throw new Unauthenticated('this API key was revoked');
    if (presented.state === 'expired') throw new TokenExpired('this API key has expired');
  }

  /** A key moves to the pepper that writes now when it is used, so that an old secret key may go (security.md CRED-3). */
  private async renewPepper({ keyId, pepper }: PresentedKey, secret: string): Promise<void> {
    if (pepper.kid !== this.keyring.writing) await new ApiKeys(this.db).setPepper(keyId, this.keyring.pepper(secret));
  }

  private remember(keyId: string, entry: Remembered): void {
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(keyId, entry);
  }

  /** Uses are written down together and at most twice a minute: reading must not become writing. */
  private async noteUse(keyId: string): Promise<void> {
    this.used.add(keyId);
    if (performance.now() - this.notedAt < NOTE_EVERY_MS && this.used.size < 100) return;
    const keyIds = [...this.used];
    this.used.clear();
    this.notedAt = performance.now();
    await new ApiKeys(this.db).touch(keyIds);
  }
}

/** In constant time; secrets have one length. */
const isEqual = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
