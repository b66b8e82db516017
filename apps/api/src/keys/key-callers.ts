import type { DataSource } from 'typeorm';
import { type Keyring, parseKey, principalOfKey, SERVER } from '#access';
import { TokenExpired, Unauthenticated } from '#catalog';
import { ApiKeys, type PresentedKey, transactAs } from '#storage';
import { Believed } from './believed.js';
import type { Caller } from './caller.js';

/** How often uses are written down, milliseconds. */
const NOTE_EVERY_MS = 30_000;

/** Tells who presents an API key (security.md AUTHN-1). */
export class KeyCallers {
  private readonly used = new Set<string>();
  private notedAt = performance.now();

  constructor(
    private readonly db: DataSource,
    private readonly keyring: Keyring,
    private readonly believed: Believed,
  ) {}

  /** @throws Unauthenticated for a key that is mistyped, unknown or revoked; TokenExpired */
  async identify(text: string): Promise<Caller> {
    const key = parseKey(text);
    if (key === null) throw new Unauthenticated('this is no API key, or one with a typing error');
    const believedAs = Believed.nameOf(text);
    const known = this.believed.find(believedAs);
    if (known !== null) return known;
    const presented = await new ApiKeys(this.db).findByKeyId(key.keyId);
    this.judge(presented, key.secret);
    const caller: Caller = {
      principal: principalOfKey(key.keyId, presented),
      expiresAt: presented.expiresAt,
      keyName: presented.name,
      person: null,
      session: null,
      believedAs,
    };
    this.believed.remember(caller);
    await this.noteUse(key.keyId);
    await this.renewPepper(presented, key.secret);
    return caller;
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
    if (pepper.kid !== this.keyring.writing) {
      const pepperNow = this.keyring.pepper(secret);
      await transactAs(this.db, SERVER, (tx) => new ApiKeys(tx).setPepper(keyId, pepperNow));
    }
  }

  /** Uses are written down together and at most twice a minute: reading must not become writing. */
  private async noteUse(keyId: string): Promise<void> {
    this.used.add(keyId);
    if (performance.now() - this.notedAt < NOTE_EVERY_MS && this.used.size < 100) return;
    const keyIds = [...this.used];
    this.used.clear();
    this.notedAt = performance.now();
    await transactAs(this.db, SERVER, (tx) => new ApiKeys(tx).touch(keyIds));
  }
}
